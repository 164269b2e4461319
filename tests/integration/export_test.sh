#!/usr/bin/env bash
# Exports files of the original, and what bad input gets. Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
vectors=$GANNET_SOURCE/tests/parity/vectors
source "$GANNET_SOURCE/tests/integration/common.sh"
export OMP_NUM_THREADS=2

for content in best_stripped v7_stripped; do
  gunzip -c "$vectors/checkpoints/$content.zip.pt.gz" >$content.pt
  check "export of $content" 0 "tensors equal bit for bit" "$gannet" export --weights $content.pt --format yolov5 --format safetensors
  [[ -s $content-yolov5.pt && -s $content.safetensors ]] || fail "$content: not both files"
  check "export of the export" 0 "float16" "$gannet" export --weights $content.safetensors --format yolov5 --output again
  cmp $content-yolov5.pt again/$content-yolov5.pt || fail "$content: safetensors on the way change the export"
  check "info of $content.safetensors" 0 '"nc": 3' "$gannet" info $content.safetensors --json
done

check "half" 0 "float16" "$gannet" export --weights best_stripped.pt --format yolov5 --half --output half
check "unknown format" 2 "yolov5,safetensors,torchscript,onnx" "$gannet" export --weights best_stripped.pt --format yolov5 --format tflite --output none
[[ -e none ]] && fail "an unknown format: the known one was written all the same"
check "no format" 2 "--format" "$gannet" export --weights best_stripped.pt
check "missing weights" 1 "nowhere.pt" "$gannet" export --weights nowhere.pt --format yolov5
check "over the source" 2 "best_stripped.safetensors" "$gannet" export --weights best_stripped.safetensors --format safetensors
: >afile
check "a file in the way" 1 "afile" "$gannet" export --weights best_stripped.pt --format yolov5 --output afile
gunzip -c "$vectors/forward/narrow.weights.safetensors.gz" >narrow.weights.safetensors
check "plain safetensors" 1 "no model description" "$gannet" export --weights narrow.weights.safetensors --format yolov5 --output plain
ls ./*.unchecked.* 2>/dev/null && fail "unchecked files are left"
end_of_test
