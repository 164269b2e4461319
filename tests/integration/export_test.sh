#!/usr/bin/env bash
# Exports files of the original and loads them in Python as the original does, and what bad input
# gets. Arguments: the program, a Python with torch (may be missing), a work folder.
set -u
gannet=$1 python=$2 work=$3
vectors=$GANNET_SOURCE/tests/parity/vectors stand_ins=$GANNET_SOURCE/tests/integration/yolov5_stand_ins.py
source "$GANNET_SOURCE/tests/integration/common.sh"
export OMP_NUM_THREADS=2

for content in best_stripped v7_stripped; do
  cp "$vectors/checkpoints/$content.zip.pt" $content.pt
  check "export of $content" 0 "tensors equal bit for bit" "$gannet" export --weights $content.pt --format yolov5 --format safetensors
  [[ -s $content-yolov5.pt && -s $content.safetensors ]] || fail "$content: not both files"
  check "export of the export" 0 "float16" "$gannet" export --weights $content.safetensors --format yolov5 --output again
  cmp $content-yolov5.pt again/$content-yolov5.pt || fail "$content: safetensors on the way change the export"
  check "info of $content.safetensors" 0 '"nc": 3' "$gannet" info $content.safetensors --json
done

if [[ -x $python ]] && "$python" -c 'import torch' 2>/dev/null; then
  check "July 2020 in Python" 0 "loads as models.yolo.Model: 370 tensors" \
    "$python" "$stand_ins" load best_stripped-yolov5.pt "$vectors/checkpoints/best_stripped.forward.safetensors" input decoded --fuse
  check "7.0 in Python" 0 "loads as models.yolo.DetectionModel: 349 tensors" \
    "$python" "$stand_ins" load v7_stripped-yolov5.pt "$vectors/checkpoints/v7_stripped.forward.safetensors" input decoded --fuse
  for model in every-module narrow-fpn; do
    forward=$vectors/forward/$model
    check "$model described" 0 "described" "$python" "$stand_ins" describe "$forward.weights.safetensors" "$vectors/models/$model.yaml" $model.safetensors
    check "$model exported" 0 "float32" "$gannet" export --weights $model.safetensors --format yolov5
    check "$model in Python" 0 "loads as models.yolo.Model" "$python" "$stand_ins" load $model-yolov5.pt "$forward.safetensors" input f32/eval/decoded
  done
else
  echo "SKIPPED aloud: no Python with torch at '$python', nothing was loaded there"
fi

check "half" 0 "float16" "$gannet" export --weights best_stripped.pt --format yolov5 --half --output half
check "unknown format" 2 "yolov5,safetensors" "$gannet" export --weights best_stripped.pt --format yolov5 --format onnx --output none
[[ -e none ]] && fail "an unknown format: the known one was written all the same"
check "no format" 2 "--format" "$gannet" export --weights best_stripped.pt
check "missing weights" 1 "nowhere.pt" "$gannet" export --weights nowhere.pt --format yolov5
check "over the source" 2 "best_stripped.safetensors" "$gannet" export --weights best_stripped.safetensors --format safetensors
: >afile
check "a file in the way" 1 "afile" "$gannet" export --weights best_stripped.pt --format yolov5 --output afile
check "plain safetensors" 1 "no model description" "$gannet" export --weights "$vectors/forward/narrow.weights.safetensors" --format yolov5 --output plain
ls ./*.unchecked.* 2>/dev/null && fail "unchecked files are left"
end_of_test
