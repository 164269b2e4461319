#!/usr/bin/env bash
# The batch that there is memory for, what a dry run foretells of it, and runs that run out of it.
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"

make_tiny_set  # three batches an epoch
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch-size 4 --project runs --workers 1 --precision fp32)
says() { grep -qE -- "$2" err.txt out.txt || fail "$1: no '$2' in: $(tail -n 3 err.txt)"; } # name, pattern
rows() { wc -l <"runs/$1/results.txt"; }

# --- Which batch.
check "no images" 2 "--batch-size" "${train[@]}" --batch-size 0
check "fewer than none" 2 "--batch-size" "${train[@]}" --batch-size -2
check "a search" 2 "--batch-size" "$gannet" evolve --data tiny/tiny.yaml --cfg small.yaml --batch-size -1 --study study
for ranks in 1 2; do
  check "found by $ranks" 0 "GiB; the training set has 12 images" "${train[@]}" --batch-size -1 --epochs 1 --name found$ranks --nproc $ranks
  grep -q "batch_size: 12$" runs/found$ranks/settings.yaml || fail "found$ranks: not in settings.yaml"
done
check "found by three" 0 "epochs of 1 batches of 12" "${train[@]}" --batch-size -1 --epochs 1 --dry-run --nproc 3
check "found where the recipe decides the size" 0 "the training set has 12 images" "${train[@]}" --recipe auto --batch-size -1 --dry-run
timeout -s INT 20 "${train[@]}" --batch-size -1 --epochs 4000 --name again --resume auto >out.txt 2>err.txt & pid=$!
wait_for 60 test -s runs/again/results.txt
kill -INT $pid; wait $pid
check "goes on with what was found" 0 "goes on in epoch" "${train[@]}" --batch-size -1 --epochs 4000 --name again --resume auto --dry-run

# --- What is foretold.
foretold() { # name, flags...
  local name=$1 said peak; shift
  "$gannet" train --data demo/demo.yaml --hyp demo.yaml --img 256 --project runs --epochs 1 --name "$name" "$@" --dry-run >out.txt 2>&1
  said=$(sed -n 's/^memory: about \([0-9.]*\) .*/\1/p' out.txt)
  "$gannet" train --data demo/demo.yaml --hyp demo.yaml --img 256 --project runs --epochs 1 --name "$name" "$@" >out.txt 2>&1
  peak=$(sed -n 's/.*peak memory \([0-9.]*\) GiB/\1/p' out.txt)
  awk -v said="${said:-0}" -v peak="${peak:-0}" 'BEGIN { exit !(said > 0.85 * peak && said < 1.15 * peak) }' ||
    fail "$name: $said GiB foretold, $peak taken"
  echo "checked: $name: $said GiB foretold, $peak taken"
}
foretold n8 --cfg yolov5n-csp.yaml --batch 8 --workers 2
foretold n16 --cfg yolov5n-csp.yaml --batch 16 --workers 0 --cache-images ram --precision fp32

# --- Out of memory: as many epochs, with smaller pieces from then on.
lacking() { # name, fault, images at a time, flags...
  local name=$1 fault=$2 images=$3; shift 3
  check "$name" 0 "best weights in" env GANNET_FAULT="$fault" "${train[@]}" --epochs 4 --name "$name" "$@"
  [[ $(rows "$name") == 4 ]] || fail "$name: $(rows "$name") rows, not 4"
  grep -qE 'nan|inf' "runs/$name/results.txt" && fail "$name: rows that are not finite"
  says "$name" "memory ran out with .* images at once.*; from now on $images at a time"
  grep -q "not finite" err.txt && fail "$name: taken for numbers that are not finite"
}
lacking forward memory:0:oom:5 2
[[ $(grep -c 'memory ran out' err.txt) == 1 ]] || fail "forward: not one warning: $(cat err.txt)"
lacking backward backward:0:oom:5 2 --set nominal_batch=4
lacking twice memory:0:oom:5-6 1
for rank in 0 1; do
  lacking forward_of$rank memory:$rank:oom:5 1 --nproc 2
  lacking backward_of$rank backward:$rank:oom:5 1 --nproc 2
  lacking update_of$rank backward:$rank:oom:5 1 --nproc 2 --set nominal_batch=4
  lacking sums_of$rank bucket:$rank:oom:3 1 --nproc 2 --set nominal_batch=4 --cfg "$GANNET_SOURCE/configs/models/yolov5n-csp.yaml"
done
check "one image is too much" 1 "an image of 96x96 is too much for the memory" env GANNET_FAULT=memory:0:oom:3-99 "${train[@]}" --epochs 2 --name much
check "one image is too much for one of two" 1 "an image of 96x96 is too much for the memory" env GANNET_FAULT=memory:1:oom:3-99 "${train[@]}" --epochs 2 --name much --nproc 2
check "whole batches are wanted" 1 "images of 96x96 are too many for the memory" env GANNET_FAULT=memory:1:oom:3 "${train[@]}" --epochs 2 --name whole --nproc 2 --sync-bn

# --- A resumed run keeps its pieces, and is the run that was not stopped.
losses() { awk '{print $1, $3, $4, $5, $6, $9, $10, $11, $12}' "runs/$1/results.txt"; }
cut=("${train[@]}" --epochs 400 --save-every 1 --name cut)
GANNET_FAULT=memory:0:oom:3 "${cut[@]}" >out.txt 2>err.txt & pid=$!
wait_for 60 test -s runs/cut/results.txt
kill -INT $pid; wait $pid
done_epochs=$(rows cut)
check "resumed" 0 "2 images at a time" "$gannet" train --resume runs/cut/weights/last.pt --time-limit 0.0006
check "not stopped" 0 "best weights in" env GANNET_FAULT=memory:0:oom:3 "${train[@]}" --epochs 400 --name straight --time-limit 0.002
rows=$(($(rows cut) < $(rows straight) ? $(rows cut) : $(rows straight)))
[[ $rows -gt $done_epochs ]] || fail "resumed: only $rows rows to compare"
diff <(losses cut | head -n $rows) <(losses straight | head -n $rows) >diff.txt || fail "resumed: other losses: $(head -n 3 diff.txt)"
end_of_test
