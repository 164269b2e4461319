#!/usr/bin/env bash
# detect --view-img: without a display a warning, with one a window and its key q.
# Arguments: the program, a checkpoint and a folder of pictures, a work folder.
set -u
gannet=$1 weights=$2 pictures=$3 work=$4
source "$GANNET_SOURCE/tests/integration/common.sh"
unset DISPLAY WAYLAND_DISPLAY
one_warning() { [[ $(wc -l <err.txt) == 1 ]] || fail "$1: not one line of warning: $(cat err.txt)"; }

check "no display" 0 "no window is shown: neither DISPLAY nor WAYLAND_DISPLAY is set" \
  "$gannet" detect --weights "$weights" --source "$pictures" --img 96 --output none --view-img
one_warning "no display"
check "a display that is not there" 0 "no window is shown: the display '127.0.0.1:99' does not answer" \
  env DISPLAY=127.0.0.1:99 "$gannet" detect --weights "$weights" --source "$pictures" --img 96 --output dead --view-img
one_warning "a display that is not there"
for folder in none dead; do
  [[ $(find $folder -name '*.jpg' | wc -l) == $(find "$pictures" -name '*.jpg' | wc -l) ]] || fail "$folder: not a picture for each"
done
[[ $failures == 0 ]] || exit 1
for program in Xvfb xdotool python3; do command -v $program >/dev/null || skip "no $program"; done

Xvfb -displayfd 3 -nolisten tcp -screen 0 1280x1024x24 3>display.txt 2>xvfb.txt & screen=$!
trap 'kill $screen $server 2>/dev/null' EXIT
wait_for 20 test -s display.txt || skip "Xvfb does not start: $(tail -n 1 xvfb.txt)"
DISPLAY=:$(cat display.txt); export DISPLAY
check "pictures in a window" 0 "objects in" "$gannet" detect --weights "$weights" --source "$pictures" --img 96 --output shown --nosave --view-img
grep -q warning err.txt && fail "pictures in a window: $(cat err.txt)"

# A stream without an end, which q ends.
python3 "$GANNET_SOURCE/tests/integration/mjpeg_server.py" port.txt 100000 20 1 "$pictures"/*.jpg & server=$!
wait_for 10 test -s port.txt
"$gannet" detect --weights "$weights" --source "http://127.0.0.1:$(cat port.txt)/stream" --img 96 --output stream --view-img \
  >stream.txt 2>&1 & pid=$!
wait_for 30 xdotool search --onlyvisible --name /stream >window.txt || cat stream.txt
sleep 0.5
press_q() { # a window without a manager has the keys when the pointer is over it
  xdotool mousemove --window "$(tail -n 1 window.txt)" 40 40 key q 2>/dev/null
  sleep 0.3
  ! kill -0 $pid 2>/dev/null
}
wait_for 20 press_q || kill -9 $pid
wait $pid; status=$?
[[ $status == 3 ]] || fail "q: exit status $status: $(tail -n 2 stream.txt)"
grep -q "what was looked at is whole" stream.txt || fail "q: $(tail -n 2 stream.txt)"
[[ -s stream/stream0.mp4 && -z $(find stream -name '*tmp*') ]] || fail "q leaves $(ls -a stream)"
end_of_test
