#!/usr/bin/env bash
# `gannet val` by one, two, three and sixteen processes: the same lines, the same file, and one failure
# ends all.
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"

make_tiny_set
"$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --epochs 2 --precision fp32 --workers 1 --nproc 2 \
  --project runs --name a >train.txt 2>&1 || fail "training: $(tail -n 1 train.txt)"
for picture in 0 1 2; do
  for kind in labels pred; do [[ -s runs/a/val_batch${picture}_$kind.jpg ]] || fail "training on two processes: no val_batch${picture}_$kind.jpg"; done
done

val=("$gannet" val --weights runs/a/weights/best.pt --data demo/demo.yaml --split val --img 96 --batch 8 --precision fp32 --verbose --save-json --save-txt
  --save-conf --name all --exist-ok)
json=runs/val/all/predictions.json
compare() { # name, flags: the output and the file of 1, 2 and 3 processes
  local name=$1 nproc; shift
  for nproc in 1 2 3; do
    rm -rf runs/val/all
    timeout 300 "${val[@]}" "$@" --nproc $nproc >"$name$nproc.txt" 2>"$name$nproc.err" || fail "$name, $nproc processes: $(cat "$name$nproc.err")"
    grep -v '^speed:' "$name$nproc.txt" >"$name$nproc.lines"
    [[ $(grep -c '^speed:' "$name$nproc.txt") == 1 ]] || fail "$name, $nproc processes: results are not printed once"
    cp $json "$name$nproc.json" || fail "$name, $nproc processes: no file"
    rm -rf "$name$nproc.run"; mv runs/val/all "$name$nproc.run"
    for picture in PR_curve F1_curve P_curve R_curve confusion_matrix; do [[ -s $name$nproc.run/$picture.png ]] || fail "$name: no $picture.png"; done
    diff -r "$name$nproc.run" "${name}1.run" >/dev/null || fail "$name: $nproc processes leave other files: $(diff -rq "$name$nproc.run" "${name}1.run")"
    cmp "$name$nproc.lines" "${name}1.lines" || fail "$name: $nproc processes print $(cat "$name$nproc.lines")"
    cmp "$name$nproc.json" "${name}1.json" || fail "$name: $nproc processes write another file"
  done
  grep -q '"category_id":' "${name}1.json" || fail "$name: the comparison needs detections"
  echo "checked: $name"
}
compare plain
compare augmented --augment
compare "one_image_a_batch" --batch 1
cmp plain1.json augmented1.json >/dev/null && fail "--augment changes nothing"

for threads in 2 3; do
  OMP_NUM_THREADS=$threads "${val[@]}" 2>threads.err | grep -v '^speed:' >threads.lines
  cmp threads.lines plain1.lines && cmp $json plain1.json || fail "$threads threads change the numbers: $(cat threads.lines threads.err)"
done
echo "checked: numbers of threads"

# Many more ranks than cores or images: twelve of them have nothing to train on, nine nothing to evaluate.
timeout 240 "$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --epochs 1 --precision fp32 --workers 1 --nproc 16 \
  --project runs --name many >many.txt 2>&1 || fail "training on sixteen processes: $(tail -n 1 many.txt)"
[[ $(wc -l <runs/many/results.txt) == 1 ]] || fail "training on sixteen processes: no results"
"${val[@]}" --nproc 16 2>many.err | grep -v '^speed:' >many.lines
cmp many.lines plain1.lines && cmp $json plain1.json || fail "evaluation by sixteen processes: $(tail -n 1 many.err)"
echo "checked: sixteen processes"

# The environment of a launcher: the ranks are two commands.
rm -f $json
port=$(free_port) next_port=$(free_port)
RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port timeout 300 "${val[@]}" >second.txt 2>&1 & other=$!
RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port timeout 300 "${val[@]}" 2>first.err | grep -v '^speed:' >first.lines
wait $other || fail "launched by hand: rank 1: $(tail -n 1 second.txt)"
cmp first.lines plain1.lines && cmp $json plain1.json || fail "launched by hand: $(tail -n 1 first.err)"
[[ ! -s second.txt ]] || fail "launched by hand: rank 1 prints $(cat second.txt)"
echo "checked: launched by hand"

# Faults: every rank ends, with the reason.
inject() { # fault, exit status, text
  rm -f $json
  GANNET_FAULT=$1 timeout -k 5 60 "${val[@]}" --nproc 2 --dist-timeout 5 >fault.txt 2>&1
  local status=$?
  [[ $status == "$2" ]] || fail "$1: exit status $status, expected $2: $(cat fault.txt)"
  grep -qE -- "$3" fault.txt || fail "$1: no '$3' in: $(cat fault.txt)"
  grep -qE 'frame #|terminate called' fault.txt && fail "$1: a stack trace"
  [[ ! -e $json ]] || fail "$1: a file was written"
  echo "injected: $1"
}
inject scan:0:throw 1 "rank 1.*rank 0 on .*injected failure"
inject evaluation:1:throw:2 1 "rank 0 .*rank 1 on .*injected failure"
inject evaluation:0:kill 4 "rank 0 was ended by signal 9"
inject evaluation:1:stop 4 "rank 0 in 'eval.images': rank 1 .*no longer answers"
"${val[@]}" --nproc 2 --weights gone.pt >fault.txt 2>&1; status=$?
[[ $status == 1 && $(grep -c gone.pt fault.txt) -ge 1 ]] || fail "missing weights: exit status $status: $(cat fault.txt)"
RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$next_port timeout 60 "${val[@]}" >first.txt 2>&1 & other=$!
RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$next_port timeout 60 "${val[@]}" --conf-thres 0.1 >second.txt 2>&1; status=$?
wait $other
[[ $status == 4 ]] && grep -q "rank 1 has 'conf_thres: 0.1' where rank 0 has 'conf_thres: 0.001'" first.txt || fail "ranks that differ: exit status $status: $(cat first.txt)"

"$gannet" val --weights runs/a/weights/best.pt --data demo/demo.yaml --split train --img 640 --batch 1 --nproc 2 >interrupted.txt 2>&1 & parent=$!
for _ in $(seq 100); do [[ $(pgrep -P $parent | wc -l) == 2 ]] && break; sleep 0.1; done
sleep 0.5; kill -INT $parent; start=$SECONDS; wait $parent; status=$?
[[ $status == 3 && $((SECONDS - start)) -le 5 ]] || fail "Ctrl-C: exit status $status after $((SECONDS - start)) s: $(cat interrupted.txt)"
[[ $(grep -v '^info: ' interrupted.txt) == "error: interrupted" ]] || fail "Ctrl-C: says $(cat interrupted.txt)"
end_of_test
