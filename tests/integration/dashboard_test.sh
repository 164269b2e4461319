#!/usr/bin/env bash
# The page of runs in a browser, while one trains and afterwards; and every command of docs/dashboard.md.
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"
export PYTHONDONTWRITEBYTECODE=1  # nothing is written beside the sources
export no_proxy='*'
chromium=$(command -v chromium) || skip "no chromium"
trap 'kill $(jobs -p) 2>/dev/null' EXIT
page() { # what to look at, address
  python3 "$GANNET_SOURCE/tests/integration/dashboard_page.py" "$chromium" "$1" "$2" . || fail "the page: $1"
}
address_in() { wait_for 60 grep -q "http://" "$1" >&2 && sed -nE 's/.*(http:[^ ]*).*/\1/p' "$1" | head -n 1; }

make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1)
check "a first run" 0 "best weights in" "${train[@]}" --epochs 6 --name first
[[ -e runs/first/steps.jsonl ]] && fail "a run without a dashboard writes steps.jsonl"
check "no port" 2 "--dashboard" "${train[@]}" --epochs 1 --name none --dashboard 99999

# While it trains; a port that is taken is no reason not to.
port=$(free_port)
python3 -m http.server "$port" --bind 127.0.0.1 >/dev/null 2>&1 & taken=$!
listening() { (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
wait_for 20 listening
"${train[@]}" --epochs 4000 --name live --dashboard "$port" >live.txt 2>live_err.txt & pid=$!
address=$(address_in live.txt)
[[ $address =~ ^http://127\.0\.0\.1:([0-9]+)/$ && ${BASH_REMATCH[1]} -gt $port ]] || fail "a port that is taken: $address"
wait_for 60 test -s runs/live/results.txt
page live "$address"
kill $taken
SECONDS=0; kill -TERM $pid; wait $pid; status=$?
[[ $status == 3 && $SECONDS -lt 20 ]] || fail "SIGTERM in training: exit status $status after $SECONDS s: $(tail -n 2 live_err.txt)"

# Afterwards.
start() { # flags...: sets pid and address
  : >serve.txt
  "$gannet" serve "$@" >serve.txt 2>serve_err.txt & pid=$!
  address=$(address_in serve.txt) || { cat serve_err.txt; exit 1; }
}
stop() {
  local begin=${EPOCHREALTIME/./}
  kill -TERM $pid; wait $pid; local status=$?
  [[ $status == 0 && $((${EPOCHREALTIME/./} - begin)) -lt 1000000 ]] || fail "SIGTERM: exit status $status after $((${EPOCHREALTIME/./} - begin)) us: $(cat serve_err.txt)"
}
start --runs runs --port 0
page finished "$address"
: >stream.txt
curl -sN "${address}events?run=live&look=live" >stream.txt & stream=$!
wait_for 20 grep -q "event: log" stream.txt
stop
wait $stream
start --runs runs --port 0 --host 0.0.0.0
[[ $address == *"/#token="* ]] || fail "no token for others: $address"
page token "${address/0.0.0.0/127.0.0.1}"
stop
check "neither model nor runs" 2 "--weights" "$gannet" serve
check "both" 2 "--runs" "$gannet" serve --runs runs --weights x.pt
check "no folder" 2 "--runs" "$gannet" serve --runs absent

# The commands of the document.
mkdir documented && cd documented && cp -r ../tiny . && sed 's|images$|tiny/images|' tiny/tiny.yaml >mydata.yaml
commands=$(documented_commands docs/dashboard.md | sed -E 's/--epochs [0-9]+/--epochs 2/; s/--(port|dashboard) [0-9]+/--\1 0/')
[[ $(wc -l <<<"$commands") -ge 4 ]] || fail "docs/dashboard.md: only these commands are found: $commands"
while read -r _ command arguments; do
  if [[ $command == train ]]; then
    check "docs/dashboard.md: gannet train $arguments" 0 "dashboard: http" "$gannet" train $arguments --cfg ../small.yaml --img 96 --batch 4
  else
    start $arguments $([[ $arguments == *--port* ]] || echo --port 0)
    curl -sf "${address%%#*}healthz" >/dev/null || fail "docs/dashboard.md: gannet serve $arguments: $(cat serve_err.txt)"
    stop
    echo "checked: docs/dashboard.md: gannet serve $arguments"
  fi
done <<<"$commands"
end_of_test
