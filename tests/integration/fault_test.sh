#!/usr/bin/env bash
# Injects faults into runs of several processes: every run must end within its bound, leave no process
# behind, name the rank, keep its last checkpoint whole and be resumable.
# Arguments: the program, a work folder, and "long" for many more faults at random moments.
set -u
gannet=$1 work=$2 length=${3:-short}
source "$GANNET_SOURCE/tests/integration/common.sh"
faults=0

make_tiny_set
common=(--data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project "$work/runs" --workers 1 --precision fp32)

# Processes of a run, by its folder: another test may use the same name.
processes() { pgrep -f -- "--project $work/runs .*--name $1( |\$)"; }
# Whoever else made such a file names a process that lives.
shared_memory() {
  find /dev/shm -mindepth 1 -newer started \( -name '*gannet*' -o -name '*torch*' -o -name '*gloo*' \) |
    while read -r file; do
      kill -0 "$(basename "$file" | grep -oE '[0-9]+' | head -n 1)" 2>/dev/null || echo "$file"
    done
}
touch started
after_fault() { # name, what the output must hold
  local name=$1 text=$2
  grep -qE -- "$text" "$name.txt" || fail "$name: no '$text' in: $(grep -a error "$name.txt" | tail -n 3)"
  grep -qE 'frame #|terminate called' "$name.txt" && fail "$name: a stack trace"
  [[ -z $(processes "$name") ]] || { fail "$name: processes are left"; kill -9 $(processes "$name"); }
  [[ -z $(shared_memory) ]] || fail "$name: shared memory is left: $(shared_memory)"
  ls runs/"$name"/weights/*.tmp* runs/"$name"/weights/.??* >/dev/null 2>&1 && fail "$name: a half-written file is left"
  if [[ -f runs/$name/weights/last.pt ]]; then
    timeout 120 "$gannet" train --resume "runs/$name/weights/last.pt" --dry-run >/dev/null 2>resume.txt || fail "$name: cannot be resumed: $(cat resume.txt)"
    # A cache in memory has no file; the line that told of it goes when the next run looks.
    ls cache/gannet/*.members >/dev/null 2>&1 && fail "$name: a killed run is still listed: $(cat cache/gannet/*.members)"
  fi
}
inject() { # name, fault, bound in seconds, accepted exit status, text, flags...
  local name=$1 fault=$2 bound=$3 status=$4 text=$5; shift 5
  local start=$SECONDS
  GANNET_FAULT=$fault timeout -k 5 "$bound" "$gannet" train "${common[@]}" --epochs 4 --nproc 2 --name "$name" "$@" >"$name.txt" 2>&1
  local got=$?
  [[ $got =~ ^($status)$ ]] || fail "$name: exit status $got, expected $status: $(tail -n 2 "$name.txt")"
  after_fault "$name" "$text"
  faults=$((faults + 1))
  echo "injected: $name ($fault), ended after $((SECONDS - start)) s"
}

for rank in 0 1; do
  inject "start$rank" "start:$rank:kill" 60 4 "rank $rank was ended by signal 9"
  inject "scan$rank" "scan:$rank:kill" 60 4 "rank $rank was ended by signal 9"
  inject "step$rank" "step:$rank:kill:4" 60 4 "rank $rank was ended by signal 9"
  inject "backward$rank" "backward:$rank:kill:5" 60 4 "rank $rank was ended by signal 9"
  inject "evaluation$rank" "evaluation:$rank:kill:2" 60 4 "rank $rank was ended by signal 9"
done
inject checkpoint "checkpoint:0:kill:3" 60 4 "rank 0 was ended by signal 9"
inject stall "step:1:stop:4" 60 4 "rank 0 in '.*': rank 1 .*no longer answers" --dist-timeout 3
inject exception "evaluation:1:throw:2" 60 1 "rank 1 on .*injected failure"
inject nonfinite "step:1:nan:4" 60 1 "rank 1 on .*the loss is not finite at iteration 3" --max-bad-steps 0
inject fewer "step:1:kill:2" 60 4 "rank 1 was ended by signal 9" --batch 1

# Each rank has the same cache in memory open when it ends.
for rank in 0 1; do inject "cache$rank" "step:$rank:kill:8" 60 4 "rank $rank was ended by signal 9" --cache-images ram; done

# Started again from the last checkpoint, the run ends well: the fault strikes in the second epoch only.
GANNET_FAULT=step:1:kill:5 timeout -k 5 120 "$gannet" train "${common[@]}" --epochs 3 --nproc 2 --name again --max-restarts 2 >again.txt 2>&1
status=$?; faults=$((faults + 1))
[[ $status == 0 && $(wc -l <runs/again/results.txt) == 3 ]] || fail "restart: exit status $status: $(tail -n 3 again.txt)"
grep -q "restart 1 of 2 from" again.txt || fail "restart: not said"

# The parent is killed: no rank survives it.
"$gannet" train "${common[@]}" --epochs 400 --nproc 2 --name orphan >orphan.txt 2>&1 & parent=$!
wait_for 60 test -f runs/orphan/weights/last.pt
kill -9 $parent; wait $parent 2>/dev/null; sleep 2; faults=$((faults + 1))
[[ -z $(processes orphan) ]] || { fail "ranks outlive their parent"; kill -9 $(processes orphan); }

# One SIGINT ends all within its bound, with exit status 3, and the run can be resumed by another world.
"$gannet" train "${common[@]}" --epochs 400 --nproc 2 --name interrupted >interrupted.txt 2>&1 & parent=$!
wait_for 60 test -f runs/interrupted/weights/last.pt
start=$SECONDS; kill -TERM $parent; wait $parent; status=$?; faults=$((faults + 1))
[[ $status == 3 && $((SECONDS - start)) -le 10 ]] || fail "interrupt: exit status $status after $((SECONDS - start)) s"
after_fault interrupted "interrupted in epoch"

if [[ $length == long ]]; then
  for trial in $(seq 100); do
    name=random$trial
    timeout -k 5 60 "$gannet" train "${common[@]}" --epochs 400 --nproc 3 --name "$name" >"$name.txt" 2>&1 & parent=$!
    sleep "$((RANDOM % 5)).$((RANDOM % 10))"
    for _ in $(seq 100); do  # a busy machine may not have started one yet
      program=$(pgrep -P $parent | head -n 1)
      mapfile -t ranks < <(pgrep -P "${program:-0}")
      [[ ${#ranks[@]} -gt 0 ]] && break
      sleep 0.1
    done
    kill -9 "${ranks[RANDOM % ${#ranks[@]}]}"
    wait $parent; status=$?; faults=$((faults + 1))
    [[ $status == 4 ]] || fail "$name: exit status $status"
    after_fault "$name" "error: rank"
    rm -rf "runs/$name" "$name.txt"
  done
fi
echo "$faults faults"
end_of_test
