#!/usr/bin/env bash
# What other programs are told of a run: lines of JSON, and a message to a web address. Arguments: the program, a
# work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"
command -v python3 >/dev/null || skip "no python3"
export no_proxy='*'

# Writes each request's body to a file of its own; "hang" in the path: after ten seconds.
cat >server.py <<'END'
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    count = 0
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "hang" in self.path:
            time.sleep(10)
        Handler.count += 1
        assert self.headers["Content-Type"] == "application/json"
        open(f"message{Handler.count}.json", "wb").write(body)
        self.send_response(500 if "broken" in self.path else 200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
END
port=$(free_port)
python3 server.py "$port" & server=$!
trap 'kill $server 2>/dev/null' EXIT
listening() { (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
wait_for 20 listening
member() { python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).read())[sys.argv[2]])' "$@"; } # file, name

make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1)
check "a run that is told" 0 "best weights in" "${train[@]}" --epochs 2 --name a --log-json log.jsonl --webhook "http://127.0.0.1:$port/run?token=secret"
[[ $(member message1.json event) == run_end && $(member message1.json epochs_run) == 2 ]] || fail "the end: $(cat message1.json)"
python3 - <<'END' || fail "lines of JSON: $(cat log.jsonl)"
import csv, json
lines = [json.loads(line) for line in open("log.jsonl")]
events = [line["event"] for line in lines]
assert events[0] == "run_start" and events[-1] == "run_end", events
assert events.count("epoch") == 2 and events.count("step") >= 2 and "checkpoint" in events, events
assert lines[0]["names"][0] == "stop" and lines[0]["train_images"] == 12
rows = list(csv.DictReader(open("runs/a/results.csv")))
for line, row in zip([line for line in lines if line["event"] == "epoch"], rows):
    assert abs(line["metrics"]["mAP_0.5"] - float(row["metrics/mAP_0.5"])) < 1e-5
    assert abs(line["train_loss"]["total"] - float(row["train/total_loss"])) < 1e-4 * line["train_loss"]["total"]
END

"${train[@]}" --epochs 400 --name b --log-json log.jsonl --webhook "http://127.0.0.1:$port/" >/dev/null 2>&1 & pid=$!
wait_for 60 test -s runs/b/results.txt
kill -TERM $pid; wait $pid; status=$?
[[ $status == 3 ]] || fail "SIGTERM: exit status $status, not 3"
[[ $(member message2.json event) == run_failed && $(member message2.json error) == *interrupted* ]] || fail "the failure: $(cat message2.json)"
tail -n 1 log.jsonl | grep -q '"event":"run_failed"' || fail "the last line: $(tail -n 1 log.jsonl)"

check "a server that fails" 0 "127.0.0.1:$port: the message was answered with status 500; the run goes on" \
  "${train[@]}" --epochs 1 --name c --webhook "http://user:secret@127.0.0.1:$port/broken/secret"
grep -q secret err.txt out.txt && fail "the address is told: $(grep secret err.txt out.txt)"
check "a server that hangs" 0 "cannot send the message" "${train[@]}" --epochs 1 --name d --webhook "http://127.0.0.1:$port/hang"
grep -q "1 epochs in" out.txt || fail "no summary: $(cat out.txt)"
check "no server" 0 "cannot send the message" "${train[@]}" --epochs 1 --name e --webhook http://127.0.0.1:1/
check "no address" 2 "--webhook: is no http" "${train[@]}" --epochs 1 --name f --webhook ftp://host/
check "no place for lines" 1 "nowhere/log.jsonl" "${train[@]}" --epochs 1 --name f --log-json nowhere/log.jsonl
check "a full disk" 0 "cannot write" "${train[@]}" --epochs 1 --name g --log-json /dev/full
[[ $(grep -c '/dev/full' err.txt) == 1 ]] || fail "not one warning: $(cat err.txt)"
end_of_test
