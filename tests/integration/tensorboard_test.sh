#!/usr/bin/env bash
# TensorBoard's own reader opens the event files of a whole run, of one that was killed, and of one that went on.
# Arguments: the program, a Python with tensorboard, a work folder.
set -u
gannet=$1 python=$2 work=$3
source "$GANNET_SOURCE/tests/integration/common.sh"
"$python" -c 'import tensorboard' 2>/dev/null || skip "no Python with tensorboard at '$python'"

make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1)
read_events=("$python" "$GANNET_SOURCE/tests/integration/read_events.py")
check "training" 0 "best weights in" "${train[@]}" --epochs 3 --name a
check "a whole run" 0 "agree: 3" "${read_events[@]}" runs/a 3

"${train[@]}" --epochs 12 --name b >/dev/null 2>&1 & pid=$!
rows() { [[ $(cat runs/b/results.txt 2>/dev/null | wc -l) -ge $1 ]]; }
saved() { rows 4 && [[ -f runs/b/weights/last.pt ]]; }
wait_for 100 saved
kill -KILL $pid; wait $pid 2>/dev/null
check "a run that was killed" 0 "agree: 3" "${read_events[@]}" runs/b 3
check "going on" 0 "best weights in" "$gannet" train --resume runs/b/weights/last.pt
check "a run that went on" 0 "agree: 12" "${read_events[@]}" runs/b 12
[[ $(ls runs/b/events.out.tfevents.* | wc -l) == 2 ]] || fail "not a file for each start: $(ls runs/b)"
end_of_test
