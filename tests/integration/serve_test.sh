#!/usr/bin/env bash
# The program serves: what docs/serve.md shows, a load of good and bad requests, and its end.
# Arguments: the program, a checkpoint and a folder of pictures, a work folder; `long` for 10,000 requests.
set -u
gannet=$1 weights=$2 pictures=$3 work=$4
source "$GANNET_SOURCE/tests/integration/common.sh"
export GANNET_TEST_SEED  # the load draws from it, too
requests=2000; [[ ${5:-} == long ]] && requests=10000

check "a port that is none" 2 "--port" "$gannet" serve --weights "$weights" --port 99999
check "no model" 1 "absent.pt" "$gannet" serve --weights absent.pt
check "no weights" 2 "--weights" "$gannet" serve

start() { # flags...: starts the server, and sets pid and port
  : >serve.txt
  "$gannet" serve --weights "$weights" --port 0 --img 96 --conf 0.001 --precision fp32 --device cpu "$@" >serve.txt 2>serve_err.txt & pid=$!
  wait_for 60 grep -q "serving at http://127.0.0.1:" serve.txt || { cat serve_err.txt; exit 1; }
  port=$(sed -nE 's/.*127\.0\.0\.1:([0-9]+).*/\1/p' serve.txt)
}
stop() { # signal
  kill -"$1" $pid; wait $pid; local status=$?
  [[ $status == 0 ]] || fail "SIG$1: exit status $status: $(tail -n 3 serve_err.txt)"
}

# The commands of the document, at this port and with this picture.
start --token secret
street=$(ls "$pictures"/*.jpg | head -n 1)
commands=$(awk '/^```/ { fenced = !fenced; next } fenced && /^curl/' "$GANNET_SOURCE/docs/serve.md")
[[ -n $commands ]] || fail "docs/serve.md shows no curl"
while read -r command; do
  command=${command//127.0.0.1:8080/127.0.0.1:$port}
  command=${command//street.jpg/$street} command=${command//\$TOKEN/secret}
  bash -c "$command --fail --silent --show-error" >out.txt 2>err.txt || fail "docs/serve.md: $command: $(cat err.txt out.txt)"
  echo "checked: $command"
done <<<"$commands"
status=$(curl -s -o out.txt -w '%{http_code}' --data-binary @"$street" "http://127.0.0.1:$port/detect")
[[ $status == 401 ]] || fail "without a token: $status $(cat out.txt)"
second=$("$gannet" serve --weights "$weights" --port "$port" 2>&1); status=$?
[[ $status == 2 && $second == *"cannot listen at 127.0.0.1:$port"* ]] || fail "a port that is taken: $status $second"
stop INT

start --max-batch 8
python3 "$GANNET_SOURCE/tests/integration/serve_load.py" "$port" "$pid" "$pictures" "$requests" 32 || fail "load"
stop TERM

# What is taken in when the signal comes is answered: six requests of 40 pictures each.
start --img 320 --max-batch 1
form=(); for i in {1..40}; do form+=(-F "image=@$street"); done
for i in {1..6}; do
  curl -s -o /dev/null -w '%{http_code}\n' "${form[@]}" "http://127.0.0.1:$port/detect" >>drained.txt & clients+=($!)
done
all_are_in() { curl -s "http://127.0.0.1:$port/metrics" | grep -q "^gannet_waiting_pictures 240$"; }
wait_for 20 all_are_in
stop TERM
wait "${clients[@]}"
[[ $(grep -c 200 drained.txt) == 6 ]] || fail "answers at the end: $(sort drained.txt | uniq -c)"
[[ ! -s serve_err.txt ]] || fail "the server says: $(head -n 3 serve_err.txt)"
end_of_test
