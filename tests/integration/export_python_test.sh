#!/usr/bin/env bash
# Exports files of the original and loads them in Python as the original does: the recorded outputs come out.
# Arguments: the program, a Python with torch, a work folder.
set -u
gannet=$1 python=$2 work=$3
vectors=$GANNET_SOURCE/tests/parity/vectors stand_ins=$GANNET_SOURCE/tests/integration/yolov5_stand_ins.py
source "$GANNET_SOURCE/tests/integration/common.sh"
export OMP_NUM_THREADS=2
need_torch "$python"
unpack() { gunzip -c "$vectors/$1.safetensors.gz" >"$(basename "$1").safetensors"; } # a vector

for content in best_stripped v7_stripped; do
  gunzip -c "$vectors/checkpoints/$content.zip.pt.gz" >$content.pt && unpack checkpoints/$content.forward
  check "export of $content" 0 "tensors equal bit for bit" "$gannet" export --weights $content.pt --format yolov5
done
check "July 2020 in Python" 0 "loads as models.yolo.Model: 370 tensors" \
  "$python" "$stand_ins" load best_stripped-yolov5.pt best_stripped.forward.safetensors input decoded --fuse
check "7.0 in Python" 0 "loads as models.yolo.DetectionModel: 349 tensors" \
  "$python" "$stand_ins" load v7_stripped-yolov5.pt v7_stripped.forward.safetensors input decoded --fuse
for model in every-module narrow-fpn; do
  mkdir $model && cd $model && unpack forward/$model.weights && mv $model.weights.safetensors weights.safetensors && unpack forward/$model
  check "$model described" 0 "described" "$python" "$stand_ins" describe weights.safetensors "$vectors/models/$model.yaml" described.safetensors
  check "$model exported" 0 "float32" "$gannet" export --weights described.safetensors --format yolov5
  check "$model in Python" 0 "loads as models.yolo.Model" "$python" "$stand_ins" load described-yolov5.pt $model.safetensors input f32/eval/decoded
  cd ..
done
end_of_test
