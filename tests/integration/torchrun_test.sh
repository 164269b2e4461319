#!/usr/bin/env bash
# Restarts by torchrun: a rank is killed, before and after the first save, and the losses are those of a whole run.
# Arguments: the program, the bin folder of a Python with torch, a work folder.
set -u
gannet=$1 python_bin=$2 work=$3
source "$GANNET_SOURCE/tests/integration/common.sh"
need_torch "$python_bin/python"

make_tiny_set
run=("$gannet" train --img 96 --batch 4 --workers 1 --precision fp32 --project "$work/runs" --data tiny/tiny.yaml
     --cfg small.yaml --set nominal_batch=8)
losses() { awk '{print $1, $3, $4, $5, $6, $9, $10, $11, $12}' "runs/$1/results.txt"; }
# Rank 1 is killed once: in the first epoch, before anything is saved, or in the fifth step of each start.
cat >once.sh <<'END'
#!/bin/sh
[ "$RANK" = 1 ] && mkdir "$ONCE" 2>/dev/null && export GANNET_FAULT=step:1:kill:2
exec "$@"
END
chmod +x once.sh
torchrun=("$python_bin/torchrun" --standalone --nproc_per_node 2 --max-restarts 3 --no-python)
"${run[@]}" --epochs 4 --nproc 2 --name pair >pair.txt 2>&1 || fail "pair: $(tail -n 1 pair.txt)"
export ONCE=$work/once
check "torchrun, killed before the first save" 0 "best weights in" "${torchrun[@]}" ./once.sh "${run[@]}" --epochs 4 --name early
diff <(losses pair) <(losses early) >/dev/null || fail "torchrun, killed early: other losses than a whole run"
check "torchrun, killed again and again" 0 "best weights in" env GANNET_FAULT=step:1:kill:5 "${torchrun[@]}" "${run[@]}" --epochs 4 --name often
diff <(losses pair) <(losses often) >/dev/null || fail "torchrun, killed often: other losses than a whole run"
[[ -e runs/early2 || -e runs/often2 ]] && fail "torchrun: a restart began a second run"
end_of_test
