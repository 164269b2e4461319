#!/usr/bin/env bash
# Training steps beside other programs that keep processors busy, against the fair share of the time that they leave: with
# as many busy threads as there are processors that is half. Usage: neighbours.sh STEP_BENCH [FLAGS...]
set -euo pipefail
bench=$1
shift
flags=(--device cpu --size 320 --batch 16 --steps 10 --warmup 2 "$@")
cpus=$(nproc)
busy=()
trap 'kill "${busy[@]}" 2>/dev/null || true' EXIT

step_ms() { "$bench" "${flags[@]}" | sed -n 's/.*"step_ms":\([0-9.]*\).*/\1/p'; }
start_busy() { # how many
  for ((i = 0; i < $1; ++i)); do
    (while :; do :; done) &
    busy+=($!)
  done
}

alone=$(step_ms)
echo "alone: $alone ms a step"
for neighbours in 1 "$cpus"; do
  start_busy $((neighbours - ${#busy[@]}))
  beside=$(step_ms)
  awk -v a="$alone" -v b="$beside" -v n="$neighbours" -v c="$cpus" 'BEGIN {
    fair = c / (c + n)
    printf "beside %d busy: %.0f ms, %.0f%% of the fair share (%.0f%% of the processors)\n", n, b, 100 * a / b / fair, 100 * fair
  }'
done
