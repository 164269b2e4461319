#!/usr/bin/env bash
# Time of a training epoch in the default precision and layout against fp32 contiguous, in one run:
# the two alternate, so that a machine whose speed drifts hurts both. Prints images per second, the
# share of time that the step waited for data, and the ratio of times (smaller is better).
# Usage: precision.sh PROGRAM WORK_FOLDER [DATA_YAML [IMAGES_A_BATCH [ROUNDS]]]; without data the demo set.
set -euo pipefail
gannet=$1 work=$2 data=${3:-} batch=${4:-16} rounds=${5:-3}
mkdir -p "$work"
if [[ -z $data ]]; then
  "$gannet" data demo "$work/demo" >/dev/null
  data=$work/demo/demo.yaml
fi
speed() { # precision, layout: images per second and waiting share of one epoch
  "$gannet" train --data "$data" --cfg "$GANNET_SOURCE/configs/models/yolov5s.yaml" --img 320 --batch "$batch" --epochs 1 \
    --precision "$1" --memory-format "$2" --nosave --noautoanchor --project "$work" --name bench --exist-ok >/dev/null 2>&1
  awk -F, 'NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i}
           NR == 2 {print $column["images_per_second"], $column["data_wait_fraction"]}' "$work/bench/results.csv"
}
speed fp32 contiguous >/dev/null  # warm the caches
for ((round = 0; round < rounds; ++round)); do
  read -r slow slow_wait < <(speed fp32 contiguous)
  read -r fast fast_wait < <(speed auto channels_last)
  awk -v s="$slow" -v f="$fast" -v sw="$slow_wait" -v fw="$fast_wait" 'BEGIN {
    printf "fp32 contiguous %.2f img/s (waits %.0f%%), auto channels_last %.2f img/s (waits %.0f%%), time ratio %.3f\n",
           s, 100 * sw, f, 100 * fw, s / f}'
done
