#!/usr/bin/env bash
# A real MLflow server is told of runs, and says so when asked. Arguments: the program, a folder with `mlflow`, a work
# folder.
set -u
gannet=$1 bin=$2 work=$3
source "$GANNET_SOURCE/tests/integration/common.sh"
[[ -x $bin/mlflow ]] || skip "no mlflow in $bin (tools/setup.sh tests)"
export no_proxy='*' MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true
unset MLFLOW_TRACKING_URI

port=$(free_port)
setsid "$bin/mlflow" server --host 127.0.0.1 --port "$port" --workers 1 --backend-store-uri "sqlite:///$work/mlflow.db" \
  --default-artifact-root "$work/artifacts" >server.txt 2>&1 & server=$!
trap 'kill -- -$server 2>/dev/null' EXIT
url=http://127.0.0.1:$port
healthy() { [[ $(curl -s "$url/health") == OK ]]; }
wait_for 120 healthy || { tail -n 20 server.txt; exit 1; }

make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1)
check "a run that is told" 0 "best weights in" "${train[@]}" --epochs 3 --name a --mlflow "$url"
grep -q MLflow err.txt && fail "a run that is told: $(grep MLflow err.txt)"
export MLFLOW_TRACKING_URI=$url
check "the variable alone tells nobody" 0 "best weights in" "${train[@]}" --epochs 1 --name b
check "the variable is the address" 0 "best weights in" "${train[@]}" --epochs 1 --name c --mlflow --mlflow-experiment "other runs"
unset MLFLOW_TRACKING_URI

"${train[@]}" --epochs 400 --name d --mlflow "$url" >/dev/null 2>&1 & pid=$!
wait_for 60 test -s runs/d/results.txt
kill -TERM $pid; wait $pid; status=$?
[[ $status == 3 ]] || fail "SIGTERM: exit status $status, not 3"
GANNET_FAULT=step:0:nan:2 "${train[@]}" --epochs 4 --max-bad-steps 0 --name e --mlflow "$url" >failed.txt 2>&1 && fail "a run that fails: $(tail -n 1 failed.txt)"

GANNET_FAULT=evaluation:0:kill:3 "${train[@]}" --epochs 4 --name h --mlflow "$url" >killed.txt 2>&1
check "a run that goes on" 0 "best weights in" "$gannet" train --resume runs/h/weights/last.pt --mlflow "$url"

cat >ask.py <<'END'
"""What the server knows: asked over its REST API."""
import csv, json, os, sys, urllib.parse, urllib.request
url = sys.argv[1] + "/api/2.0/mlflow/"
def ask(call, body=None, **query):
    address = url + call + ("?" + urllib.parse.urlencode(query) if query else "")
    request = urllib.request.Request(address, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))
def runs(name):
    experiment = ask("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"]
    return {run["info"]["run_name"]: run for run in ask("runs/search", {"experiment_ids": [experiment]})["runs"]}
def pairs(items):
    return {item["key"]: item["value"] for item in items}
mine, others = runs("gannet"), runs("other runs")
assert sorted(mine) == ["a", "d", "e", "h"] and sorted(others) == ["c"], (sorted(mine), sorted(others))
states = {name: run["info"]["status"] for name, run in (mine | others).items()}
assert states == {"a": "FINISHED", "c": "FINISHED", "d": "KILLED", "e": "FAILED", "h": "FINISHED"}, states
params, tags = pairs(mine["a"]["data"]["params"]), pairs(mine["a"]["data"]["tags"])
assert params["train.epochs"] == "3" and params["train.cfg"] == "small.yaml" and params["train_images"] == "12", params
assert tags["best_checkpoint"] == os.path.abspath("runs/a/weights/best.pt") and os.path.exists(tags["best_checkpoint"]), tags
assert "not finite" in pairs(mine["e"]["data"]["tags"])["error"], mine["e"]["data"]["tags"]
history = ask("metrics/get-history", run_id=mine["h"]["info"]["run_id"], metric_key="train/total_loss")["metrics"]
assert sorted({int(one.get("step", 0)) for one in history}) == [0, 1, 2, 3], history
run = mine["a"]["info"]["run_id"]
rows = list(csv.DictReader(open("runs/a/results.csv")))
for ours, theirs in (("train/box_loss",) * 2, ("metrics/mAP_0.5:0.95", "metrics/mAP_0.5_0.95"), ("x/lr0",) * 2):
    history = ask("metrics/get-history", run_id=run, metric_key=theirs)["metrics"]
    history = sorted((int(one.get("step", 0)), one["value"]) for one in history)
    assert [step for step, _ in history] == [0, 1, 2], history
    for (_, value), row in zip(history, rows):
        assert abs(value - float(row[ours])) <= 1e-5 * max(1, abs(value)), (ours, value, row[ours])
END
python3 ask.py "$url" || fail "what the server knows"

# Without an answer a run goes on, with one warning.
check "no server" 0 "best weights in" "${train[@]}" --epochs 2 --name f --mlflow http://127.0.0.1:1
[[ $(grep -c "MLflow: " err.txt) == 1 ]] || fail "no server: not one warning: $(cat err.txt)"
check "no address" 2 "--mlflow: has no address" "${train[@]}" --epochs 1 --name g --mlflow
check "no web address" 2 "--mlflow: is no http" "${train[@]}" --epochs 1 --name g --mlflow mlruns
end_of_test
