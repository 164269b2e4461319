#!/usr/bin/env bash
# Stops and kills runs at any moment, resumes them, and compares with a run that was never stopped: the
# same losses and the same weights.
# Arguments: the program, a work folder, the number of kills (10), and the epochs of the killed run (24), more for
# more kills: 200 want 300.
set -u
gannet=$1 work=$2 kills=${3:-10} epochs=${4:-24}
source "$GANNET_SOURCE/tests/integration/common.sh"

make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1 --precision fp32
       --set nominal_batch=16)

losses() { awk '{print $1, $3, $4, $5, $6, $9, $10, $11, $12}' "runs/$1/results.txt"; }
same_run() { # name, whole run
  diff <(losses "$1") <(losses "$2") >diff.txt || fail "$1: other losses than $2: $(head -n 3 diff.txt)"
  cmp -s "runs/$1/weights/last.pt" "runs/$2/weights/last.pt" || fail "$1: other weights than $2"
}
saved_steps() { # name: steps that its checkpoint holds, or that nothing or only the end of the run is left
  "$gannet" train --resume "runs/$1/weights/last.pt" --dry-run >saved.txt 2>&1
  sed -n 's/.*goes on in epoch \([0-9]*\) after \([0-9]*\) of \([0-9]*\) steps.*/\1 \3 \2/p' saved.txt | awk '{print $1 * $2 + $3}'
  grep -q "all $epochs epochs are done" saved.txt && echo 1000000
  grep -q "holds no training state" saved.txt && echo finished
}
stop_and_resume() { # name, signal, flags...: until the run is done
  local name=$1 signal=$2 before=0 stops=0; shift 2
  "${train[@]}" --epochs "$epochs" --name "$name" "$@" >"$name.txt" 2>&1 & local pid=$!
  while true; do
    sleep "0.$((RANDOM % 10))"; [[ $((RANDOM % 2)) == 0 ]] && sleep 1
    if [[ $stops -lt $limit ]] && kill "-$signal" $pid 2>/dev/null; then stops=$((stops + 1)); local signalled=1; else local signalled=0; fi
    local start=$SECONDS
    wait $pid 2>/dev/null; local status=$?
    [[ $((SECONDS - start)) -gt 10 && $signalled == 1 ]] && fail "$name: took $((SECONDS - start)) s to end"
    [[ $status == 0 ]] && break
    if [[ $signal == TERM && $status != 3 && $status != 143 ]]; then fail "$name: exit status $status: $(tail -n 1 "$name.txt")"; return; fi
    if [[ $signal == KILL && $status != 137 ]]; then fail "$name: exit status $status: $(tail -n 1 "$name.txt")"; return; fi
    if [[ ! -f runs/$name/weights/last.pt ]]; then  # not one save yet: it starts again
      rm -rf "runs/$name"
      "${train[@]}" --epochs "$epochs" --name "$name" "$@" >"$name.txt" 2>&1 & pid=$!
      continue
    fi
    local now; now=$(saved_steps "$name")
    [[ -n $now ]] || { fail "$name: last.pt cannot be resumed: $(tail -n 1 saved.txt)"; return; }
    [[ $now != finished ]] || break
    [[ $now -ge $before ]] || fail "$name: $before steps were saved, now $now"
    before=$now
    "$gannet" train --resume "runs/$name/weights/last.pt" >"$name.txt" 2>&1 & pid=$!
  done
  echo "checked: $name, stopped $stops times"
  compgen -G "runs/$name/weights/*.tmp*" >/dev/null && fail "$name: half-written files are left"
}

"${train[@]}" --epochs "$epochs" --name whole >whole.txt 2>&1 || fail "whole: $(tail -n 1 whole.txt)"
limit=5 stop_and_resume terminated TERM
same_run terminated whole
limit=$kills stop_and_resume killed KILL --save-every 1
same_run killed whole

# Killed when all epochs are done: only the end of the run is left.
GANNET_FAULT=evaluation:0:kill:$((epochs + 1)) "${train[@]}" --epochs "$epochs" --name ended >ended.txt 2>&1
[[ $? == 137 ]] || fail "ended: it was not killed: $(tail -n 1 ended.txt)"
[[ $(saved_steps ended) == 1000000 ]] || fail "ended: $(tail -n 1 saved.txt)"
"$gannet" train --resume runs/ended/weights/last.pt >ended.txt 2>&1 || fail "ended: $(tail -n 1 ended.txt)"
[[ -s runs/ended/results.png ]] || fail "ended: no results.png"
same_run ended whole
[[ $(saved_steps ended) == finished ]] || fail "ended: still to be resumed"
echo "checked: killed in the last evaluation"

# Two processes: each has its own running statistics in the middle of an epoch.
"${train[@]}" --epochs "$epochs" --name whole2 --nproc 2 >whole2.txt 2>&1 || fail "whole2: $(tail -n 1 whole2.txt)"
"${train[@]}" --epochs "$epochs" --name pair --nproc 2 >pair.txt 2>&1 & pid=$!
wait_for 60 test -f runs/pair/weights/last.pt
sleep 0.2; kill -TERM $pid; wait $pid; status=$?
[[ $status == 3 ]] || fail "pair: exit status $status: $(tail -n 2 pair.txt)"
"$gannet" train --resume runs/pair/weights/last.pt --nproc 2 >pair.txt 2>&1 || fail "pair: $(tail -n 2 pair.txt)"
same_run pair whole2
echo "checked: two processes"

# srun and mpirun end all ranks when one has ended: that must not cost rank 0 its state or the exit code.
port=$(free_port)
ranks=()
for rank in 0 1; do
  RANK=$rank WORLD_SIZE=2 LOCAL_RANK=$rank LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
    "${train[@]}" --epochs 200 --name launched >"launched$rank.txt" 2>&1 & ranks+=($!)
done
until [[ -f runs/launched/weights/last.pt ]] || ! kill -0 "${ranks[0]}" 2>/dev/null; do sleep 0.1; done
kill -TERM "${ranks[@]}"
while kill -0 "${ranks[0]}" && kill -0 "${ranks[1]}"; do sleep 0.01; done 2>/dev/null
kill -TERM "${ranks[@]}" 2>/dev/null
for rank in 0 1; do
  wait "${ranks[$rank]}"; status=$?
  [[ $status == 3 ]] || fail "launched: rank $rank ended with $status: $(tail -n 1 "launched$rank.txt")"
  grep -q 'error: interrupted in epoch' "launched$rank.txt" || fail "launched: rank $rank: $(tail -n 1 "launched$rank.txt")"
done
"$gannet" train --resume runs/launched/weights/last.pt --dry-run >launched.txt 2>&1 || fail "launched: $(tail -n 1 launched.txt)"
echo "checked: a launcher that ends all ranks"
end_of_test
