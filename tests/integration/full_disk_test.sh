#!/usr/bin/env bash
# A disk that fills while a run goes on: a warning, the last checkpoint stays whole, and the run goes on.
# Mounts a small disk, which needs root. Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
umount "$work/disk" 2>/dev/null  # of a test that was killed
source "$GANNET_SOURCE/tests/integration/common.sh"
mkdir disk && mount -t tmpfs -o size=40m tmpfs disk || skip "only root can mount a small disk"
trap 'umount "$work/disk"' EXIT

make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project disk --workers 1 --precision fp32
       --set nominal_batch=16)
"${train[@]}" --epochs 3 --name fits >fits.txt 2>&1 || fail "fits: $(tail -n 1 fits.txt)"
rm -rf disk/*
"${train[@]}" --epochs 200 --name full >full.txt 2>&1 & pid=$!
wait_for 60 test -f disk/full/weights/last.pt
head -c 40m /dev/zero >disk/filler 2>/dev/null
wait_for 60 grep -q "last.pt could not be written.*No space left" full.txt
kill -0 $pid 2>/dev/null || fail "full disk: the run ended: $(tail -n 1 full.txt)"
cp disk/full/weights/last.pt kept.pt
"$gannet" train --resume kept.pt --dry-run >out.txt 2>&1 || fail "full disk: the old file is not whole: $(tail -n 1 out.txt)"
rm disk/filler; sleep 2
kill -TERM $pid; wait $pid; status=$?
[[ $status == 3 ]] || fail "a disk with space again: exit status $status: $(tail -n 1 full.txt)"
"$gannet" train --resume disk/full/weights/last.pt --dry-run >out.txt 2>&1 || fail "full disk: cannot be resumed: $(tail -n 1 out.txt)"
end_of_test
