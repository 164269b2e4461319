#!/usr/bin/env bash
# Python's torch.load(weights_only=True) reads what training writes: the stripped file and the full one.
# Arguments: the program, a Python with torch, a work folder.
set -u
gannet=$1 python=$2 work=$3
source "$GANNET_SOURCE/tests/integration/common.sh"
need_torch "$python"

make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1)
load=("$python" "$GANNET_SOURCE/tests/integration/torch_load.py")
check "training" 0 "best weights in" "${train[@]}" --epochs 1 --name a
check "torch.load reads our checkpoints" 0 "weights_only ok" "${load[@]}" runs/a/weights/best.pt
"${train[@]}" --epochs 40 --name full >/dev/null 2>&1 & pid=$!
wait_for 60 test -f runs/full/weights/last.pt
cp runs/full/weights/last.pt full.pt; kill -TERM $pid; wait $pid
check "torch.load reads full checkpoints" 0 "weights_only ok" "${load[@]}" full.pt
end_of_test
