# Sourced by the tests here, which set `gannet` (the program) and `work` (a folder of their own): a fresh
# folder with its own cache, checks, and a data set that is trained in seconds.
gannet=$(realpath "$gannet") || exit 1
rm -rf "$work" && mkdir -p "$work" && cd "$work" && work=$PWD || exit 1
export XDG_CACHE_HOME=$work/cache OMP_NUM_THREADS=1
failures=0
# Random moments and choices repeat with GANNET_TEST_SEED=...; SRANDOM, which no seed decides, picks ports.
RANDOM=${GANNET_TEST_SEED:=$((SRANDOM % 32768))}
echo "GANNET_TEST_SEED=$GANNET_TEST_SEED"
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
# Ends a test that cannot be done here; CTest shows it as skipped, and continuous integration fails.
skip() { echo "SKIPPED: $*"; exit 77; }
need_torch() { # a Python
  "$1" -c 'import torch, numpy' 2>/dev/null || skip "no Python with torch and numpy at '$1'"
}
# A port that nobody listens at, below those that the system deals out itself.
free_port() {
  local port
  while port=$((10000 + SRANDOM % 20000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}
wait_for() { # seconds, command...: until it succeeds
  local end=$((SECONDS + $1)); shift
  until "$@"; do [[ $SECONDS -lt $end ]] || { fail "waited in vain for: $*"; return 1; }; sleep 0.1; done
}
end_of_test() { echo "$failures failures"; [[ $failures == 0 ]]; }

check() { # name, expected status, text that stderr or stdout must hold, command...
  local name=$1 status=$2 text=$3; shift 3
  timeout 300 "$@" >out.txt 2>err.txt; local got=$?
  [[ $got == "$status" ]] || fail "$name: exit status $got, expected $status: $(tail -n 1 err.txt)"
  cat err.txt out.txt | grep -qF -- "$text" || fail "$name: no '$text' in: $(tail -n 2 err.txt out.txt)"
  if [[ $status != 0 ]]; then
    [[ $(grep -c '^error: ' err.txt) == 1 ]] || fail "$name: not one error line: $(cat err.txt)"
    grep -qE 'frame #|terminate called|Exception raised' err.txt && fail "$name: a stack trace"
  fi
  echo "checked: $name"
}

# The commands `gannet ...` in the code blocks of a page, one a line: continued lines joined, without comments,
# without what stands around them (launchers, quotes).
documented_commands() { # page, from the root of the sources
  awk '/^```/ { fenced = !fenced; next } fenced { line = line $0 } fenced && sub(/\\$/, "", line) { next }
    fenced { sub(/ *#.*/, "", line); print line; line = "" }' "$GANNET_SOURCE/$1" |
    grep -E '(^|[ /])gannet [a-z-]' | sed -E "s/^.*gannet /gannet /; s/[ &']*\]?\$//" | tr -d '"'
}

# Real pictures with labels as mydata.yaml and mydata, those of val also as `pictures`.
make_real_set() {
  cp -r "$GANNET_SOURCE/tests/data/cells" mydata && cp -r mydata/images/val pictures
  printf 'train: mydata/images/train\nval: mydata/images/val\nnc: 3\nnames: [RBC, WBC, Platelets]\n' >mydata.yaml
}

# The demo set in `demo`, twelve images of it as `tiny`, and a model file.
make_tiny_set() {
  "$gannet" data demo demo >/dev/null || exit 1
  mkdir -p tiny/images tiny/labels
  for image in $(ls demo/images/train | head -n 12); do
    cp "demo/images/train/$image" tiny/images/; cp "demo/labels/train/${image%.*}.txt" tiny/labels/
  done
  printf 'train: images\nval: images\nnc: 5\nnames: [stop, warning, speed_limit, direction, priority]\n' >tiny/tiny.yaml
  sed 's/^width_multiple:.*/width_multiple: 0.125/' "$GANNET_SOURCE/configs/models/yolov5n-csp.yaml" >small.yaml
}
