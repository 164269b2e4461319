#!/usr/bin/env bash
# Detection in videos and streams, and every command of docs/detection.md.
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"

make_tiny_set
check "a model" 0 "best weights in" "$gannet" train --img 96 --batch 4 --workers 1 --precision fp32 --project runs --data tiny/tiny.yaml \
  --cfg small.yaml --epochs 60 --name model --set warmup_iterations=30 --set nominal_batch=8 --set mosaic=0
cp runs/model/weights/best.pt best.pt && cp best.pt second.pt
mapfile -t pictures < <(find "$work/tiny/images" -name '*.jpg' -o -name '*.png' | sort)
python=$(command -v python3) || skip "no python3 for the stream's server"

serve() { # mjpeg or rtsp, frames, rate, connections: sets address
  rm -f port.txt
  "$python" "$GANNET_SOURCE/tests/integration/$1_server.py" port.txt "$2" "$3" "$4" picture.jpg &
  server=$!
  trap 'kill $server 2>/dev/null' EXIT
  wait_for 10 test -s port.txt
  address=http://127.0.0.1:$(cat port.txt)/stream
  [[ $1 == mjpeg ]] || address=$1${address#http}
}
cp "$(find runs/model -name 'train_batch*.jpg' | head -n 1)" picture.jpg || fail "no JPEG for the stream"

# --- Streams of both kinds, cut twice; then the recording is a video.
for kind in mjpeg rtsp; do
  serve $kind 40 50 2
  check "a stream of $kind" 0 "objects in" "$gannet" detect --weights best.pt --source "$address" --img 96 --conf-thres 0.001 --save-csv --output $kind --stream-retries 1
  [[ $(grep -c "trying again" err.txt) -ge 2 ]] || fail "$kind: the stream is not tried again: $(cat err.txt)"
  grep -q "gave no frames any more" err.txt || fail "$kind: the stream's end is not reported: $(cat err.txt)"
  check "a stream of $kind that is not there" 1 "none of the sources could be read" "$gannet" detect --weights best.pt --source "$address" --img 96 --output none_$kind --stream-retries 0
  kill $server
  cut -d, -f3- $kind/predictions.csv | sort -u >$kind.txt  # all but the source and the frame's number
  check "the recording of $kind" 0 "objects in" "$gannet" detect --weights best.pt --source $kind/stream0.mp4 --img 96 --conf-thres 0.05 --output video_$kind --save-txt
  frames=$(grep -oE 'in [0-9]+ images' out.txt | grep -oE '[0-9]+')
  [[ $frames -eq 80 ]] || fail "the recording of $kind has $frames of 80 frames"
done
[[ $(wc -l <mjpeg.txt) -gt 1 ]] && cmp mjpeg.txt rtsp.txt || fail "the same picture is not the same by another stream"
cp mjpeg/stream0.mp4 video.mp4

# --- Two streams at once, stopped.
serve mjpeg 100000 50 2
printf '# two\n%s\n\n%s\n' "$address" "$address" >streams.txt
"$gannet" detect --weights best.pt --source streams.txt --img 96 --output two --save-csv >two.txt 2>&1 & pid=$!
wait_for 20 test -e two/.stream1.tmp$pid.mp4
sleep 1
kill -TERM $pid; wait $pid
[[ $? == 3 ]] || fail "a stopped stream does not end with 3: $(tail -n 2 two.txt)"
kill $server
for file in two/stream0.mp4 two/stream1.mp4 two/predictions.csv; do [[ -s $file ]] || fail "$file is not whole after a stop"; done
[[ -z $(find two -name '*tmp*') ]] || fail "a stop leaves $(find two -name '*tmp*')"

# --- Damaged and foreign files beside whole ones.
mkdir mixed && cp video.mp4 mixed/a.mp4 && head -c 3000 video.mp4 >mixed/cut.mp4 && echo text >mixed/text.mp4 && cp picture.jpg mixed/
check "damaged videos" 0 "objects in" "$gannet" detect --weights best.pt --source mixed --img 96 --output mixed_out --vid-stride 4
[[ $(grep -c "no video that can be read" err.txt) == 2 ]] || fail "damaged videos are not named: $(cat err.txt)"
check "the thinned video" 0 " in 20 images" "$gannet" detect --weights best.pt --source mixed_out/a.mp4 --img 96 --output thin

# --- Those of docs/detection.md.
mkdir pictures && cp "${pictures[@]}" pictures/
while read -r -a words; do
  check "docs/detection.md: ${words[*]}" 0 "objects in" "$gannet" "${words[@]:1}" --img 96 --project "$work/documented"
done < <(documented_commands docs/detection.md)
[[ $(ls documented | wc -l) -ge 5 ]] || fail "docs/detection.md: not a run directory for each command: $(ls documented)"
end_of_test
