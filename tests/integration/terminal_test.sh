#!/usr/bin/env bash
# What a person sees of a run, and of mistakes on the command line. Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"

check "no command" 2 "error: a command is needed" "$gannet"
grep -q '^  train ' err.txt || fail "no command: no list of commands: $(cat err.txt)"
check "another word for a command" 2 "'trian' is no command; did you mean train?" "$gannet" trian
check "another word for a command of data" 2 "'chekc' is no command; did you mean check?" "$gannet" data chekc x.yaml
check "another flag" 2 "gannet train has no --epohcs; did you mean --epochs?" "$gannet" train --epohcs 3
check "a flag of the program" 2 "gannet val has no --debgu; did you mean --debug?" "$gannet" val --debgu
check "bytes on the command line" 2 '\x1b[2J' "$gannet" train $'--\033[2J'
LC_ALL=C grep -q $'\033' err.txt && fail "a flag's bytes reach the terminal"

make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1)
check "settings that differ" 0 "  train.img_size: [96, 96]" "${train[@]}" --epochs 1 --set lr0=0.02 --dry-run
for line in "  train.epochs: 1" "  train.batch_size: 4" "  hyp.lr0: 0.02"; do
  grep -qxF "$line" out.txt || fail "settings that differ: no '$line' in $(cat out.txt)"
done
grep -q 'seed\|hyp.lrf' out.txt && fail "settings that do not differ are shown: $(cat out.txt)"
[[ $(wc -l <out.txt) -le 12 ]] || fail "a dry run shows much: $(cat out.txt)"

# Forty classes, and a folder whose name would clear the screen.
names=$(printf 'c%d, ' {0..39})
cp -r tiny many && printf 'train: images\nval: images\nnc: 40\nnames: [%s]\n' "${names%, }" >many/tiny.yaml
for label in many/labels/*.txt; do awk 'NR == 1 {n = FILENAME; gsub(/[^0-9]/, "", n)} {$1 = (n * 7 + NR) % 40; print > FILENAME ".new"}' "$label" && mv "$label.new" "$label"; done
many=("${train[@]}" --data many/tiny.yaml --epochs 1)
check "many classes" 0 "--verbose shows them" "${many[@]}" --name many
[[ $(wc -l <out.txt) -le 30 ]] || fail "many classes: $(wc -l <out.txt) lines"
check "many classes, all shown" 0 " c12 " "${many[@]}" --name all --verbose
check "bytes in a name" 0 '/runs\x1b[2J/exp' "${train[@]}" --project $'runs\033[2J' --epochs 1
LC_ALL=C grep -q $'[\001-\010\013-\037]' out.txt err.txt && fail "the name of a folder reaches the terminal"

check "the summary" 0 "1 epochs in 0:0" "${train[@]}" --epochs 1 --name a
for text in "best epoch 0: mAP@.5 " "of the training time waiting for data, peak memory " "results in " "best weights in "; do
  [[ $(grep -cF "$text" out.txt) == 1 ]] || fail "the summary: not one '$text' in $(cat out.txt)"
done

# As on a terminal: colours only where they are wanted.
command -v script >/dev/null || { end_of_test; exit; }
in_terminal() { TERM=xterm script -qec "'$gannet' train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --name $1 --epochs 1 --workers 1" /dev/null </dev/null; }
in_terminal colours >out.txt; grep -q $'\033\\[3[0-9]m' out.txt || fail "no colours in a terminal: $(cat -v out.txt | head)"
NO_COLOR=1 in_terminal plain >out.txt; grep -q $'\033\\[3[0-9]m' out.txt && fail "NO_COLOR: colours"
end_of_test
