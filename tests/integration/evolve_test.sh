#!/usr/bin/env bash
# The search over hyperparameters: killed, stopped, shared by processes, and what it refuses. And every command of
# docs/evolve.md.
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"

make_tiny_set
# Candidates go on from weights that know a little: a few seconds tell them apart.
train=(--data tiny/tiny.yaml --img 96 --batch 4 --workers 1 --precision fp32 --optimizer adam)
hyp=(--set nominal_batch=4 --set warmup_iterations=3 --set mosaic=0)
check "weights to start from" 0 "best weights in" "$gannet" train "${train[@]}" "${hyp[@]}" --cfg small.yaml --epochs 90 --set lr0=0.003 --notest --name start
what=("${train[@]}" --weights runs/train/start/weights/best.pt --epochs 8 "${hyp[@]}" --set lr0=0.0001)
evolve=("$gannet" evolve "${what[@]}")
column() { # study, title: its values in evolve.csv, by candidate
  awk -F, -v title="$2" 'NR == 1 {for (i = 1; i <= NF; ++i) {gsub(/ /, "", $i); at[$i] = i}; next} {gsub(/ /, ""); print $at[title]}' "$1/evolve.csv"
}
rows() { column "$1" candidate | tr '\n' ' '; }
fitness() { paste -d' ' <(column "$1" metrics/mAP_0.5) <(column "$1" metrics/mAP_0.5:0.95) | awk '{print 0.1 * $1 + 0.9 * $2}'; }

# --- Killed twice it ends as if it had not been, and better than it started.
GANNET_FAULT=step:0:kill:14 "${evolve[@]}" --study killed --generations 5 >killed.txt 2>&1
[[ $? == 137 ]] || fail "the first kill: $(tail -n 1 killed.txt)"
[[ -e killed/evolve.csv ]] && fail "a candidate that was killed has a row"
GANNET_FAULT=step:0:kill:40 "$gannet" evolve --study killed >killed.txt 2>&1
[[ $? == 137 ]] || fail "the second kill: $(tail -n 1 killed.txt)"
grep -q "candidate 0000: its process has ended" killed.txt || fail "the candidate that was killed is not found again: $(cat killed.txt)"
grep -q "goes on with the unfinished run" killed.txt || fail "the candidate that was killed did not go on"
check "a study that was killed goes on" 0 "best values in" "$gannet" evolve --study killed
check "a study that was not killed" 0 "5 candidates, 0 of them pruned, 0 failed" "${evolve[@]}" --study whole --generations 5
diff killed/evolve.csv whole/evolve.csv >diff.txt || fail "killed and whole studies differ: $(cat diff.txt)"
diff killed/hyp_evolved.yaml whole/hyp_evolved.yaml >diff.txt || fail "their best values differ: $(cat diff.txt)"
[[ $(rows whole) == "0 1 2 3 4 " ]] || fail "rows of other candidates: $(rows whole)"
fitness whole >fitness.txt
echo "fitness by candidate: $(tr '\n' ' ' <fitness.txt)"
awk 'NR == 1 {start = $1} $1 > best {best = $1} END {exit !(best > start)}' fitness.txt || fail "no better than the start"
[[ $(ls -d whole/candidates/*/weights | wc -l) == 1 ]] || fail "weights of other candidates than the best: $(ls -d whole/candidates/*/weights)"
[[ -s whole/evolve.png ]] || fail "no evolve.png"
find whole killed -name '*.tmp*' | grep -q . && fail "half-written files are left: $(find whole killed -name '*.tmp*')"
check "a finished study is left as it is" 0 "study in $work/whole" "$gannet" evolve --study whole --generations 3
check "the best values as --hyp" 0 "best weights in" "$gannet" train "${train[@]}" --cfg small.yaml --hyp whole/hyp_evolved.yaml --epochs 1 --name evolved
best=$(grep -o '"lr0": [0-9.e-]*' "whole/candidates/$(awk '{if ($1 > best) {best = $1; n = NR - 1}} END {printf "%04d", n}' fitness.txt)/genes.json")
grep -q "lr0: ${best#* }" runs/train/evolved/settings.yaml || fail "hyp_evolved.yaml is not what the best candidate had: $best"

# --- Two processes share the candidates, one is stopped: the other one ends the study.
for process in 0 1; do
  "${evolve[@]}" --study shared --generations 6 >"shared$process.txt" 2>&1 & pids[process]=$!
done
wait_for 120 grep -q "^candidate" shared1.txt
kill -TERM "${pids[1]}"; wait "${pids[1]}"; status=$?
[[ $status == 3 ]] || fail "a process that is stopped ends with $status: $(tail -n 1 shared1.txt)"
grep -q "^error: .*gannet evolve --study $work/shared continues" shared1.txt || fail "a stopped process: $(tail -n 1 shared1.txt)"
wait "${pids[0]}" || fail "the process that was left: $(tail -n 1 shared0.txt)"
[[ $(rows shared) == "0 1 2 3 4 5 " ]] || fail "shared: rows $(rows shared)"
for process in 0 1; do
  [[ $(grep -c "^candidate" "shared$process.txt") -ge 1 ]] || fail "process $process has finished no candidate"
done
[[ $(cat shared[01].txt | grep "^candidate" | sed 's/:.*//' | sort | uniq -d | wc -l) == 0 ]] || fail "a candidate was trained twice"
echo "checked: two processes"

# --- A hopeless candidate is pruned, one whose loss is not finite counts as 0, and the search goes on.
plant() { # study, candidate, lr0: the values that it gets
  mkdir -p "$1/candidates/$2"
  sed "s/\"lr0\": [0-9.e-]*/\"lr0\": $3/" whole/candidates/0001/genes.json >"$1/candidates/$2/genes.json"
}
cp -r whole pruned && plant pruned 0005 0.03
check "a hopeless candidate" 0 "6 candidates, 1 of them pruned" "$gannet" evolve --study pruned --generations 6
grep -q "candidate 5 pruned: fitness .* the median is" err.txt || fail "the pruning is not said: $(grep pruned err.txt)"
[[ $(column pruned end | tail -n 1) == pruned && $(column pruned epochs | tail -n 1) -ge 2 && $(column pruned epochs | tail -n 1) -lt 8 ]] || fail "pruned: $(tail -n 1 pruned/evolve.csv)"
cp -r whole unpruned && plant unpruned 0005 0.03
check "a hopeless candidate with --no-prune" 0 "6 candidates, 0 of them pruned" "$gannet" evolve --study unpruned --generations 6 --no-prune
cp -r whole failed
GANNET_FAULT=step:0:nan:10-24 check "a loss that is not finite" 0 "7 candidates, 0 of them pruned, 1 failed" "$gannet" evolve --study failed --generations 7 --no-prune
[[ $(column failed end | sed -n 6p) == failed && $(fitness failed | sed -n 6p) == 0 ]] || fail "failed: $(cat failed/evolve.csv)"

# --- What does not fit is refused.
check "other settings" 2 "epochs is 8 there, 9 here" "$gannet" evolve --study whole --epochs 9
check "other values" 2 "lr0 is 0.0001 there, 0.01 here" "$gannet" evolve --study whole --set lr0=0.01
cp -r tiny changed && sed -i 's/ 0\.[0-9]*$/ 0.111/' changed/labels/*.txt
check "other data" 2 "is a study of something else: train: " "$gannet" evolve --study whole --data changed/tiny.yaml
check "a folder of something else" 2 "is no study" "${evolve[@]}" --study tiny
check "no candidates" 2 "--generations" "${evolve[@]}" --study none --generations 0
check "no such hyperparameter file" 2 "file 'none.yaml' was not found" "${evolve[@]}" --study none --hyp none.yaml
check "no such data" 2 "none.yaml" "${evolve[@]}" --study none --data none.yaml
check "parents of no kind" 2 "'best' is not one of single, weighted" "${evolve[@]}" --study none --parents best
check "several ranks" 2 "--nproc: a candidate is trained by one process" "${evolve[@]}" --study none --nproc 2
check "evolve and resume" 2 "--resume: cannot be combined with --evolve" "$gannet" train "${what[@]}" --evolve 2 --resume auto
[[ -e none ]] && fail "a study that was refused was made"

# --- As the original spells it, and the commands of docs/evolve.md, with small figures.
check "train --evolve" 0 "2 candidates, 0 of them pruned" "$gannet" train "${what[@]}" --epochs 2 --evolve 2
[[ -s runs/evolve/exp/evolve.csv ]] || fail "train --evolve: no study in runs/evolve/exp"
mkdir docs && cd docs && make_real_set
# The last one, that of several GPUs, as a study of its own and without them.
commands=$(documented_commands docs/evolve.md | sed -E 's/--study search (--data.*) --device \$gpu/--study shared --img 64 --batch 4 \1/; s/--epochs [0-9]+/--epochs 1/; s/--generations [0-9]+/--generations 2/; s/--img [0-9]+/--img 64/; s/--batch [0-9]+/--batch 4/')
[[ $(wc -l <<<"$commands") -ge 5 ]] || fail "docs/evolve.md: only these commands are found: $commands"
while read -r _ arguments; do
  check "docs/evolve.md: gannet $arguments" 0 "" "$gannet" $arguments
done <<<"$commands"
end_of_test
