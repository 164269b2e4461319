#!/usr/bin/env bash
# Runs what tools/gpu/pack.sh packed: correctness and speed on this machine's GPU, each part with a time
# limit of its own, and prints a table; the log is $OUT/check.log (OUT is a folder, by default
# build/gpu/check). On a machine without a GPU the parts run on the CPU, those that cannot are left
# out aloud. Usage: tools/gpu/check.sh [PART...]; without names all parts.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source=$PWD
out=$(realpath -m "${OUT:-build/gpu/check}") pack=${GANNET_PACK:-$PWD/build/gpu/pack}
mkdir -p "$out"
log=$out/check.log table=$out/table.txt
: >"$log" >"$table"

# Unpacks once; the tests look for the sources where they were built.
if [[ ! -d $pack ]]; then
  mkdir -p "$pack" && tar -C "$pack" -xJf build/gpu/pack.tar.xz || exit 1
fi
built_in=$(cat "$pack/source")
[[ -e $built_in ]] || { mkdir -p "$(dirname "$built_in")" && ln -s "$source" "$built_in"; }

python=$(command -v python3)
torch=${LIBTORCH:-$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))' 2>/dev/null)}
libraries=$pack/lib:$torch/lib
run() { LD_LIBRARY_PATH=$libraries "$@"; }
gannet() { run "$pack/bin/gannet" "$@"; }
has_gpu=no device=cpu
[[ -n ${CUDA_VISIBLE_DEVICES-all} ]] && nvidia-smi >/dev/null 2>&1 && has_gpu=yes device=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wanted=("$@")
parts=()
# part NAME LIMIT_SECONDS gpu|any: the function part_NAME; what it prints after "figure: " is shown.
part() {
  local name=$1 limit=$2 needs=$3 begin=$SECONDS verdict=pass
  [[ ${#wanted[@]} -eq 0 || " ${wanted[*]} " == *" $name "* ]] || return 0
  if [[ $needs == gpu && $has_gpu == no ]]; then
    printf '%-12s left out: no GPU\n' "$name" | tee -a "$table"
    return 0
  fi
  echo "=== $name" >>"$log"
  export -f "part_$name" run gannet column epochs
  export libraries pack source work device out python has_gpu
  timeout -k 5 "$limit" bash -c "set -euo pipefail; cd $work; part_$name" >"$work/output" 2>&1 || verdict="FAIL ($?)"
  cat "$work/output" >>"$log"
  [[ $verdict == pass ]] || { echo "--- $name"; tail -n 12 "$work/output"; }
  printf '%-12s %-10s %4d s  %s\n' "$name" "$verdict" $((SECONDS - begin)) \
    "$(grep '^figure: ' "$work/output" | cut -c9- | paste -sd';' | sed 's/;/; /g')" | tee -a "$table"
  parts+=("$verdict")
}
# A column of the last row of a run's results.
column() { awk -F, -v name="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) c = i} END {print $c}' "$1/results.csv"; }
# epochs DEVICE PRECISION NAME [MORE]: trains the tiny model on the demo set.
epochs() {
  local on=$1 precision=$2 name=$3
  shift 3
  gannet train --data demo/demo.yaml --cfg yolov5n-csp.yaml --hyp demo.yaml --img 128 --batch 8 --epochs 4 \
    --noautoanchor --workers 4 --device "$on" --precision "$precision" --project runs --name "$name" --exist-ok "$@"
}

part_machine() {
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | sed 's/^/figure: /' || true
  gannet --version | sed 's/^/figure: /'
  echo "figure: commit $(paste -sd' ' "$pack/commit")"
  gannet data demo demo >/dev/null
}
part_parity() {
  local filter='*Models/Forward*:ForwardByRule*:*Module*:*Loss*:*Iou*:*Element*:*NmsVectors*:*Trajectory*:*Gradient*'
  [[ $has_gpu == no ]] && filter='*Loss*'
  GANNET_TEST_DEVICE=$([[ $has_gpu == yes ]] && echo cuda:0 || echo cpu) \
    run "$pack/bin/parity_tests" --gtest_brief=1 --gtest_filter="$filter" | tee parity.txt || true
  echo "figure: $(grep -c '^\[  FAILED  \].*(' parity.txt || true) failed, $(grep PASSED parity.txt | grep -o '[0-9]* tests\?')"
  ! grep -q 'FAILED' parity.txt
}
part_unit() { run "$pack/bin/torch_tests" --gtest_brief=1 --gtest_filter='Gpu*'; }
part_train() {
  epochs cpu fp32 cpu_fp32
  epochs "$device" fp32 fp32
  [[ $has_gpu == yes ]] && epochs "$device" fp16 fp16
  epochs "$device" bf16 bf16
  local name
  for name in cpu_fp32 fp32 fp16 bf16; do
    [[ -d runs/$name ]] || continue
    echo "figure: $name loss $(column "runs/$name" 'train/total_loss') mAP $(column "runs/$name" 'metrics/mAP_0.5')"
  done
  awk -v a="$(column runs/fp32 'train/total_loss')" -v b="$(column runs/cpu_fp32 'train/total_loss')" \
    'BEGIN {exit !(a / b > 0.98 && a / b < 1.02)}'
}
# Stopped on one device, continued on the other, and back.
part_resume() {
  local on
  stop_after() { # rows of results, then the arguments
    local rows=$1
    shift
    LD_LIBRARY_PATH=$libraries "$pack/bin/gannet" train "$@" &
    local child=$!
    for ((i = 0; i < 600; ++i)); do
      [[ $(wc -l <runs/resumed/results.csv 2>/dev/null || echo 0) -gt $rows ]] && break
      sleep 0.1
    done
    kill -TERM $child
    local code=0
    wait $child || code=$?
    [[ $code -eq 3 ]]
  }
  epochs_args=(--data demo/demo.yaml --cfg yolov5n-csp.yaml --hyp demo.yaml --img 128 --batch 8 --epochs 6
    --noautoanchor --workers 4 --precision fp32 --project runs --name resumed --exist-ok)
  stop_after 1 "${epochs_args[@]}" --device cpu
  stop_after 3 --resume runs/resumed/weights/last.pt --device "$device"
  gannet train --resume runs/resumed/weights/last.pt --device cpu
  epochs cpu fp32 straight --epochs 6
  echo "figure: moved $(column runs/resumed 'train/total_loss'), straight $(column runs/straight 'train/total_loss')"
  awk -v a="$(column runs/resumed 'train/total_loss')" -v b="$(column runs/straight 'train/total_loss')" \
    'BEGIN {exit !(a / b > 0.9 && a / b < 1.1)}'
}
part_use() {
  local on
  for on in cpu "$device"; do
    gannet val --data demo/demo.yaml --weights runs/fp32/weights/best.pt --img 128 --device "$on" --precision fp32 \
      --project use --name "val_$on" --exist-ok
    gannet detect --source demo/images/unseen --weights runs/fp32/weights/best.pt --img 128 --device "$on" \
      --conf-thres 0.05 --save-txt --output "detections_$on"
  done
  gannet export --weights runs/fp32/weights/best.pt --format safetensors --output exported
  $python - <<PYTHON
import json
a, b = (json.load(open(f"use/val_{d}/results.json"))["protocols"]["july2020"] for d in ("cpu", "$device"))
for k in ("map50", "map"):
    print(f"figure: {k} cpu {a[k]:.4f} device {b[k]:.4f}")
    assert abs(a[k] - b[k]) < 5e-3, (a, b)
PYTHON
}
part_ranks() {
  epochs "$device" fp32 one --sync-bn
  epochs "$device,$device" fp32 two --nproc 2 --sync-bn
  echo "figure: one $(column runs/one 'train/total_loss'), two ranks $(column runs/two 'train/total_loss')"
  awk -v a="$(column runs/one 'train/total_loss')" -v b="$(column runs/two 'train/total_loss')" \
    'BEGIN {exit !(a / b > 0.98 && a / b < 1.02)}'
}
part_faults() {
  local fault code
  for fault in step:1:kill:5 step:1:stop:5 step:1:nan:5; do
    code=0
    GANNET_FAULT=$fault timeout -k 5 60 "$pack/bin/gannet" train --data demo/demo.yaml --cfg yolov5n-csp.yaml \
      --hyp demo.yaml --img 128 --batch 8 --epochs 3 --noautoanchor --workers 2 --device "$device,$device" --nproc 2 \
      --dist-timeout 8 --max-bad-steps 0 --project runs --name fault --exist-ok || code=$?
    echo "figure: $fault exit $code"
    [[ $code == 1 || $code == 4 ]]
  done
}
part_usage() {
  refused() { # text, then arguments
    local text=$1 message code=0
    shift
    message=$(gannet train --data demo/demo.yaml --cfg yolov5n-csp.yaml --epochs 1 --project runs --name bad "$@" 2>&1) || code=$?
    echo "$message"
    [[ $code == 2 && $message == *"$text"* ]] || { echo "figure: not refused well: $*"; return 1; }
  }
  refused 'no CUDA device 7' --device 7
  refused 'is not a device' --device x
  refused 'fp16 is for CUDA' --device cpu --precision fp16
}
part_memory() {
  local message
  message=$(run "$pack/bin/gpu_step_bench" --model yolov5l.yaml --batch 2048 --size 640 --steps 5 --warmup 1 2>&1) && return 1
  echo "figure: $message"
  [[ $message == *'too many for the memory'* ]]
}
part_sanitizer() {
  run compute-sanitizer --tool memcheck --error-exitcode 9 "$pack/bin/gpu_step_bench" --model yolov5n-csp.yaml \
    --batch 2 --size 64 --steps 10 --warmup 0 | tail -n 5 | tee sanitizer.txt
  echo "figure: $(grep 'ERROR SUMMARY' sanitizer.txt)"
}
bench_step() { run "$pack/bin/gpu_step_bench" "$@"; }
speed() { # model letter, batch, precision
  bench_step --model "yolov5$1.yaml" --batch "$2" --precision "$3"
  "$python" "$source/bench/gpu/yardstick.py" --model "$1" --batch "$2" --precision "$3" --layout "${4:-channels_last,contiguous}" --steps 30 --warmup 15 --device cuda
}
summary() { # of the JSON lines in a file
  "$python" - "$1" <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
ours = [r for r in rows if r["program"] == "gannet"]
best = max((r.get("images_per_second", 0) for r in rows if r["program"] != "gannet"), default=0)
for r in ours:
    print(f"figure: {r['model']} batch {r['batch']} {r['precision']}: {r['images_per_second']} img/s, {r['tflops']} TFLOP/s, "
          f"{r['images_per_second'] / best if best else 0:.2f} of eager {best}")
PYTHON
}
part_speed_s() { speed s 16 fp16 | tee rows.txt; summary rows.txt; }
part_speed_l() { speed l 16 fp16 | tee rows.txt; summary rows.txt; }
part_speed_b() { speed s 16 bf16 channels_last | tee rows.txt; summary rows.txt; }
part_large_s() { speed s 0 fp16 channels_last | tee rows.txt; summary rows.txt; }
part_large_l() { speed l 0 fp16 channels_last | tee rows.txt; summary rows.txt; }
part_profile() { bench_step --model yolov5s.yaml --batch 16 --precision fp16 --profile; }
# The whole iteration, data included.
part_epoch() {
  local data=$pack/data/data.yaml
  [[ -f $data ]] || data=demo/demo.yaml
  gannet train --data "$data" --cfg yolov5s.yaml --img 640 --batch 16 --epochs 4 --noautoanchor --workers 15 --cache-images \
    --precision fp16 --device "$device" --nosave --notest --project runs --name epoch --exist-ok
  echo "figure: $(column runs/epoch images_per_second) img/s, waits for data $(column runs/epoch data_wait_fraction)"
}
export -f bench_step speed summary

part machine 60 any
part parity 100 any
part unit 60 any
part train 200 any
part resume 150 any
part use 120 any
part ranks 200 any
part faults 200 any
part usage 30 any
part memory 60 gpu
part sanitizer 60 gpu
part speed_s 60 gpu
part profile 40 gpu
part speed_l 60 gpu
part speed_b 40 gpu
part epoch 60 gpu
part large_s 90 gpu
part large_l 90 gpu
failed=$(printf '%s\n' "${parts[@]}" | grep -c FAIL)
echo "$((${#parts[@]} - failed)) passed, $failed failed"
[[ $failed -eq 0 ]]
