#!/usr/bin/env bash
# The network of yolov5s at 640 px, one picture: gannet and the unfused network (infer_bench), and ONNX Runtime on
# what gannet exports, in turns. Usage: infer.sh PROGRAM INFER_BENCH WORK_FOLDER [ROUNDS]
set -euo pipefail
gannet=$1 bench=$2 work=$3 rounds=${4:-3}
python=$GANNET_SOURCE/.venv/bin/python
mkdir -p "$work"
if [[ ! -f $work/best.onnx ]]; then
  "$gannet" data demo "$work/demo" >/dev/null
  "$gannet" train --data "$work/demo/demo.yaml" --cfg yolov5s.yaml --img 64 --batch 16 --epochs 1 --noautoanchor --notest \
    --project "$work" --name model --exist-ok >/dev/null 2>&1
  "$gannet" export --weights "$work/model/weights/last.pt" --format onnx --img-size 640 --output "$work" >/dev/null
  mv "$work/last.onnx" "$work/best.onnx"
fi
for ((round = 0; round < rounds; ++round)); do
  "$bench" yolov5s.yaml 640 1 15
  "$python" -c 'import onnxruntime' 2>/dev/null || { echo "  no onnxruntime (tools/setup.sh tests)"; continue; }
  "$python" "$GANNET_SOURCE/bench/infer_onnx.py" "$work/best.onnx" "$(nproc)" 15
done
