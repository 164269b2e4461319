#!/usr/bin/env bash
# Every command of the pages for users that no other test runs, on real pictures, with small figures for size, batch and
# epochs, in the order of the pages.
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"

cp -r "$GANNET_SOURCE/tests/data/cells" mydata && cp -r mydata/images/val pictures
printf 'train: mydata/images/train\nval: mydata/images/val\nnc: 3\nnames: [RBC, WBC, Platelets]\n' >mydata.yaml

run_page() { # page, least number of commands
  local page=docs/$1 commands command arguments
  commands=$(grep '^gannet ' "$GANNET_SOURCE/$page" | sed -E 's/ *#.*//; s/ --(img|batch|epochs) [0-9]+//g')
  [[ $(wc -l <<<"$commands") -ge $2 ]] || fail "$page: only these commands are found: $commands"
  while read -r _ command arguments; do
    case $command in
      train) arguments="$arguments --img 96 --batch 4 --epochs 1" ;;
      val | detect) arguments="$arguments --img 96" ;;
    esac
    check "$page: gannet $command $arguments" 0 "" "$gannet" $command $arguments
    grep '^warning' err.txt && fail "$page: gannet $command $arguments warns"
  done <<<"$commands"
}
run_page quick-start.md 11
run_page training-tips.md 5
run_page settings.md 2
end_of_test
