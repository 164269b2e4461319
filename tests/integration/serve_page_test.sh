#!/usr/bin/env bash
# The page of `gannet serve` in a browser, on a desk and on a phone.
# Arguments: the program, a checkpoint and a folder of pictures, a work folder.
set -u
gannet=$1 weights=$2 pictures=$3 work=$4
source "$GANNET_SOURCE/tests/integration/common.sh"
export PYTHONDONTWRITEBYTECODE=1  # nothing is written beside the sources
chromium=$(command -v chromium) || skip "no chromium"
"$gannet" serve --weights "$weights" --port 0 --img 96 --conf 0.001 --max-det 20 --device cpu >serve.txt 2>serve_err.txt & pid=$!
trap 'kill $pid 2>/dev/null' EXIT
wait_for 60 grep -q "serving at" serve.txt || { cat serve_err.txt; exit 1; }
address=$(sed -nE 's/serving at (.*)/\1/p' serve.txt)
python3 "$GANNET_SOURCE/tests/integration/serve_page.py" "$chromium" "$address/" "$(ls "$pictures"/*.jpg | head -n 1)" . || fail "the page"
end_of_test
