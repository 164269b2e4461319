#!/usr/bin/env bash
# Every command in the code blocks of the pages that no other test runs, on real pictures, with small figures for size,
# batch and epochs, in the order of each page. (README.md, recipes.md and evaluation.md: trials_test.sh; dashboard.md,
# detection.md, evolve.md: the tests of these names.)
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"
sed 's/^width_multiple:.*/width_multiple: 0.125/' "$GANNET_SOURCE/configs/models/yolov5n-csp.yaml" >small.yaml
export AWS_ACCESS_KEY_ID=id AWS_SECRET_ACCESS_KEY=secret no_proxy='*'

# The same command with small figures.
small() { # arguments of gannet
  local line
  line=$(sed -E 's/ --(img|batch|epochs) [0-9]+//g; s/--img-size 480 640/--img-size 64 96/; s/--img-size [0-9]{3}/--img-size 96/
    s/--nproc 4/--nproc 2/; s/--extend 50/--extend 1/; s| /data/| |g; s|--project runs|--project others|
    s|file:///mnt|file://'"$work"'/mnt|; s|(.*gs://.*)|\1 --dry-run|' <<<"$*")
  case $line in
    "train --resume"*) line+=" --time-limit 0" ;;  # without that of `unfinished`
    train*--batch-size*) line+=" --img 96 --epochs 1" ;;
    train*) line+=" --img 96 --batch 4 --epochs 1" ;;
    *study*) line+=" --img 128" ;;
    val* | detect*) line+=" --img 96" ;;
  esac
  [[ $line == train* && ! $line =~ --(cfg|weights|settings)|^train\ --resume ]] && line+=" --cfg ../small.yaml"
  echo "$line"
}

run_page() { # page, number of its commands, what to do before each of them (it gets the command)
  local page=docs/$1 commands arguments
  commands=$(documented_commands "$page")
  [[ $(wc -l <<<"$commands") == "$2" ]] || fail "$page: not $2 commands: $commands"
  while read -r _ arguments; do
    ${3:-true} "$arguments"
    arguments=$(small "$arguments")
    check "$page: gannet $arguments" 0 "" "$gannet" $arguments
    grep '^warning' err.txt | grep -vE "'iou_t' has no effect|at which confidence its F1 was best" && fail "$page: gannet $arguments warns"
  done <<<"$commands"
}

# Those about training in one folder, all others in another one, at the same time.
training() {
  run_page quick-start.md 12
  run_page training-tips.md 5
  run_page settings.md 2
  run_page memory.md 2
  run_page gallery.md 3
  check "an unfinished run" 0 "" "$gannet" train --data data.yaml --cfg ../small.yaml --img 96 --batch 4 --epochs 2 --time-limit 1e-5 --project . --name unfinished
  # `--resume auto` finds finished runs only, and starts its own.
  leave_unfinished() { rm -rf runs/train/exp3; [[ $1 == *" auto" ]] || cp -r unfinished runs/train/exp3; }
  run_page resume.md 6 leave_unfinished
}

# Of the servers only S3 has a stand-in: it takes everything. What goes to Google is tried up to the first step.
cat >s3.py <<'PYTHON'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        print(self.path, flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PYTHON
uploads() {
  local port stand_in file
  port=$(free_port)
  python3 ../s3.py "$port" >puts.txt 2>/dev/null & stand_in=$!
  wait_for 20 eval "(: <>/dev/tcp/127.0.0.1/$port) 2>/dev/null"
  export AWS_ENDPOINT_URL=http://127.0.0.1:$port
  run_page upload.md 5
  kill $stand_in
  for file in /my-bucket/runs/first /training/first; do
    grep -q "^$file/weights/best.pt" puts.txt || fail "docs/upload.md: nothing at $file: $(cat puts.txt)"
  done
  [[ -s ../mnt/share/runs/first/weights/best.pt ]] || fail "docs/upload.md: nothing in the folder"
}

servers() {
  local arguments server
  while read -r _ _ arguments; do
    : >serve.txt
    "$gannet" serve ${arguments/--port 8080/} --port 0 >serve.txt 2>err.txt & server=$!
    wait_for 60 grep -q "serving at http" serve.txt || cat err.txt
    curl -sf "$(grep -oE 'http://[0-9.:]+' serve.txt)/healthz" >/dev/null || fail "docs/serve.md: gannet serve $arguments"
    kill $server && wait $server
    echo "checked: docs/serve.md: gannet serve $arguments"
  done < <(documented_commands docs/serve.md)
}

others() {
  check "a model" 0 "" "$gannet" train --data data.yaml --cfg ../small.yaml --img 96 --batch 4 --epochs 1
  cp runs/train/exp/weights/best.pt .
  run_page data-check.md 6
  run_page datasets.md 3
  run_page models.md 1
  run_page export.md 9
  run_page distributed.md 4
  uploads
  servers
}

run_in() { # folder and function
  mkdir "$1" && cd "$1" && make_real_set && cp mydata.yaml data.yaml && cp mydata.yaml bccd.yaml
  "$1"
  end_of_test
}
(run_in training) & first=$!
(run_in others); status=$?
wait $first && [[ $status == 0 ]]
