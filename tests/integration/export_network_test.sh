#!/usr/bin/env bash
# Exports networks of the original and of every module, and runs them in Python and by `gannet detect`: the recorded
# outputs come out. Arguments: the program, a Python with torch, onnx and onnxruntime, a work folder.
set -u
gannet=$1 python=$2 work=$3
vectors=$GANNET_SOURCE/tests/parity/vectors
source "$GANNET_SOURCE/tests/integration/common.sh"
need_torch "$python"
"$python" -c 'import onnx, onnxruntime' 2>/dev/null || skip "no Python with onnx and onnxruntime at '$python'"
unpack() { gunzip -c "$vectors/$1.safetensors.gz" >"$(basename "$1").safetensors"; } # a vector
in_python=("$python" "$GANNET_SOURCE/tests/integration/run_exported.py")

for content in best_stripped v7_stripped; do
  gunzip -c "$vectors/checkpoints/$content.zip.pt.gz" >$content.pt && unpack checkpoints/$content.forward
  size=(--img-size 64 96)
  for format in onnx torchscript; do
    file=$content.$format golden=($content.forward.safetensors input decoded)
    check "$file" 0 "differ by" "$gannet" export --weights $content.pt --format $format "${size[@]}"
    check "$file in Python" 0 "1 outputs agree" "${in_python[@]}" golden $file "${golden[@]}"
    check "raw $file" 0 "differ by" "$gannet" export --weights $content.pt --include $format "${size[@]}" --head raw --output raw
    check "raw $file in Python" 0 "3 outputs agree" "${in_python[@]}" golden raw/$file "${golden[@]}"
    check "dynamic $file" 0 "differ by" "$gannet" export --weights $content.pt --format $format --dynamic --output dynamic
    check "dynamic $file in Python" 0 "1 outputs agree" "${in_python[@]}" golden dynamic/$file "${golden[@]}"
    check "larger $file" 0 "differ by" "$gannet" export --weights $content.pt --format $format --img-size 128 --batch-size 3 --output larger
    check "dynamic and larger $file in Python" 0 "images of [3, 3, 128, 128] agree" "${in_python[@]}" same dynamic/$file larger/$file
  done
  for opset in 15 18; do  # the default, 13, is that of all others
    check "opset $opset" 0 "differ by" "$gannet" export --weights $content.pt --format onnx "${size[@]}" --opset $opset --output opset
    check "opset $opset in Python" 0 "1 outputs agree" "${in_python[@]}" golden opset/$content.onnx "${golden[@]}"
  done
  check "half" 0 "--half changed the predictions" "$gannet" export --weights $content.pt --format onnx,torchscript "${size[@]}" --half --output half
  check "half, the same in both" 0 "agree" "${in_python[@]}" same half/$content.onnx half/$content.torchscript
done
for content in best_stripped v7_stripped; do
  check "nms" 0 "no suppression inside" "$gannet" export --weights $content.pt --format onnx --img-size 128 --batch-size 3 --head nms \
    --conf-thres 0.0001 --iou-thres 0.4 --max-det 20 --output nms
  check "nms in Python" 0 "suppression agrees" "${in_python[@]}" nms nms/$content.onnx larger/$content.onnx 0.0001 0.4 20
done

for model in every-module narrow-fpn narrow-spp; do
  mkdir $model && cd $model && unpack forward/$model.weights && mv $model.weights.safetensors weights.safetensors && unpack forward/$model
  names=a,b,c; [[ $model == narrow-spp ]] && names=a,b,c,d,e
  check "$model described" 0 "described" "$python" "$GANNET_SOURCE/tests/integration/yolov5_stand_ins.py" describe \
    weights.safetensors "$vectors/models/$model.yaml" described.safetensors $names
  check "$model exported" 0 "differ by" "$gannet" export --weights described.safetensors --format onnx,torchscript --img-size 96 128 --batch-size 2
  for format in onnx torchscript; do
    check "$model.$format in Python" 0 "1 outputs agree" "${in_python[@]}" golden described.$format $model.safetensors input f32/eval/decoded
  done
  cd ..
done

# Label files that agree to 1e-3 (of the image): those in the first folder and in the second. One line in a hundred may
# not, as boxes of nearly equal confidence change places.
same_labels() {
  for folder in "$1" "$2"; do find "$folder" -name '*.txt' | sort | xargs cat >"$folder.all"; done
  paste -d' ' "$1.all" "$2.all" | awk 'function far(a, b) { return a - b > 1e-3 || b - a > 1e-3 }
    NF != 10 || $1 != $6 || far($2, $7) || far($3, $8) || far($4, $9) || far($5, $10) { off++ } END { exit NR < 100 || off > NR / 100 }'
}
# What the model finds, its exports find: 640x480 pictures at 320 px are 320x256 in any case.
cells=$GANNET_SOURCE/tests/data/cells
printf 'train: %s\nval: %s\nnc: 3\nnames: [a, b, c]\n' "$cells/images/train" "$cells/images/val" >cells.yaml
for model in every-module narrow-spp; do
  cd $model
  check "export for detect" 0 "differ by" "$gannet" export --weights described.safetensors --format onnx,torchscript --img-size 256 320 --output detect
  for weights in described.safetensors detect/described.onnx detect/described.torchscript; do
    found=found-$(basename $weights)
    check "detect with $weights" 0 "images/s" "$gannet" detect --weights $weights --source "$cells/images/val" --img-size 320 \
      --precision fp32 --conf-thres 0.5 --save-txt --output "$found"
    same_labels found-described.safetensors "$found" || fail "$model: $weights finds something else than the model"
  done
  cd ..
done
# val: free sizes get the model's own batches, a fixed shape all images in that shape.
cd every-module
check "export for val" 0 "differ by" "$gannet" export --weights described.safetensors --format torchscript --dynamic --output dynamic
for weights in described.safetensors dynamic/described.torchscript detect/described.onnx; do
  name=$(basename $weights)
  check "val of $weights" 0 "all" "$gannet" val --weights $weights --data ../cells.yaml --img-size 320 --precision fp32 --conf-thres 0.5 \
    --project val --name "$name" --save-txt
done
same_labels val/described.safetensors val/described.torchscript || fail "val finds something else by TorchScript"
check "study of a fixed shape" 2 "one size only" "$gannet" val --weights detect/described.onnx --data ../cells.yaml --task study --project val
cd ..

check "unknown format" 2 "onnx" "$gannet" export --weights best_stripped.pt --format onnx,tflite --output none
check "unknown opset" 2 "--opset" "$gannet" export --weights best_stripped.pt --format onnx --opset 12
check "nms in TorchScript" 2 "no suppression inside" "$gannet" export --weights best_stripped.pt --format torchscript --head nms
check "nms of free sizes" 2 "not together" "$gannet" export --weights best_stripped.pt --format onnx --head nms --dynamic
check "detect by a raw file" 2 "--head decoded" "$gannet" detect --weights raw/best_stripped.onnx --source "$cells/images/val" --output none
: >empty.onnx
check "detect by an empty file" 1 "empty.onnx" "$gannet" detect --weights empty.onnx --source "$cells/images/val" --output none
find . -name '*.unchecked*' -o -name '*.runnable*' | grep . && fail "unchecked files are left"
end_of_test
