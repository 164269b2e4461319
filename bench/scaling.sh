#!/usr/bin/env bash
# Images per second of one process with a thread a core against one process a core with one thread
# each, on the same global batch, and of the same processes without any communication between them:
# what the sum of gradients costs. The three alternate, so that a machine whose speed drifts hurts all.
# Usage: scaling.sh PROGRAM WORK_FOLDER [DATA_YAML [IMAGES_A_BATCH [ROUNDS [PROCESSES]]]]; without data the demo set.
set -euo pipefail
gannet=$1 work=$2 data=${3:-} batch=${4:-16} rounds=${5:-3} ranks=${6:-$(nproc)}
mkdir -p "$work"
if [[ -z $data ]]; then
  "$gannet" data demo "$work/demo" >/dev/null
  data=$work/demo/demo.yaml
fi
train() { # name, threads, batch, more flags: one epoch
  local name=$1 threads=$2 size=$3
  shift 3
  OMP_NUM_THREADS=$threads "$gannet" train --data "$data" --cfg "$GANNET_SOURCE/configs/models/yolov5s.yaml" --img 320 \
    --batch "$size" --epochs 1 --workers 1 --nosave --noautoanchor --project "$work" --name "$name" --exist-ok "$@" >"$work/$name.log" 2>&1
}
speed() { # name: images per second of its epoch
  awk -F, 'NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i} NR == 2 {print $column["images_per_second"]}' "$work/$1/results.csv"
}
train one "$ranks" "$batch"  # warm the caches
for ((round = 0; round < rounds; ++round)); do
  train one "$ranks" "$batch"
  train ranks 1 "$batch" --nproc "$ranks"
  alone=()
  for ((rank = 0; rank < ranks; ++rank)); do
    train "alone$rank" 1 $((batch / ranks)) &
    alone+=("alone$rank")
  done
  wait
  exposed=$(sed -n 's/.*gradient sums: \([0-9.]*\) s.*/\1/p' "$work/ranks.log")
  for name in "${alone[@]}"; do speed "$name"; done | awk -v one="$(speed one)" -v together="$(speed ranks)" -v ranks="$ranks" -v exposed="$exposed" '
    {apart += $1}
    END {printf "1 process with %d threads %.2f img/s, %d processes %.2f img/s (ratio %.3f; %.1f s of gradient sums not hidden), without communication %.2f img/s (ratio %.3f)\n",
                ranks, one, ranks, together, together / one, exposed, apart, apart / one}'
done
