#!/usr/bin/env bash
# The check of GPU machines, on the CPU and with this build: its logic must not meet its first machine there.
# Usage: gpu_check_test.sh PROGRAM LIBTORCH WORK_FOLDER
set -euo pipefail
gannet=$1 torch=$2 work=$3
rm -rf "$work" && mkdir -p "$work/pack/bin"
build=$(dirname "$gannet")
ln -s "$gannet" "$build/tests/parity_tests" "$build/tests/torch_tests" "$work/pack/bin/"
echo "$GANNET_SOURCE" >"$work/pack/source"
echo "of the build" >"$work/pack/commit"
CUDA_VISIBLE_DEVICES='' GANNET_PACK=$work/pack LIBTORCH=$torch OUT=$work/out \
  "$GANNET_SOURCE/tools/gpu/check.sh" machine parity train resume use ranks faults usage memory >"$work/printed.txt" 2>&1 || {
  cat "$work/printed.txt"
  exit 1
}
cat "$work/printed.txt"
grep -q '^memory *left out: no GPU' "$work/printed.txt"
[[ $(tail -n 1 "$work/printed.txt") == "8 passed, 0 failed" ]]
