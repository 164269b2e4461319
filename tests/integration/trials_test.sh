#!/usr/bin/env bash
# What users reported of other programs, tried on the real one: nothing is taken, overwritten, left out or mixed up
# without a word. And every command of the README.
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"

make_tiny_set
common=(--img 96 --batch 4 --workers 1 --precision fp32)
train=("$gannet" train "${common[@]}" --project "$work/runs")
holds() { grep -qF -- "$2" err.txt out.txt || fail "$1: no '$2' in: $(tail -n 3 err.txt)"; } # name, text
losses() { awk '{print $1, $3, $4, $5, $6, $9, $10, $11, $12}' "runs/$1/results.txt"; }
labels=$(cat tiny/labels/*.txt | wc -l)

check "a model" 0 "best weights in" "${train[@]}" --data tiny/tiny.yaml --cfg small.yaml --epochs 300 --name model --set warmup_iterations=30 --set nominal_batch=8 --set mosaic=0
model=runs/model/weights/best.pt
check "detect at the confidence of the best F1" 0 "objects in" "$gannet" detect --weights $model --source tiny/images --conf-thres auto --img 96 --output auto
grep -q "using 0.25" err.txt && fail "the checkpoint does not know the confidence of its best F1"

# --- Files are taken as named.
mkdir -p nest/berries && cp -r tiny/images tiny/labels tiny/tiny.yaml nest/berries/
check "a data file of a folder below" 2 "did you mean nest/berries/tiny.yaml or tiny/tiny.yaml?" "${train[@]}" --data tiny.yaml --cfg small.yaml
check "a shipped file without suffix" 0 "7468157" "$gannet" info yolov5s --json
(cd nest/berries && exec "$gannet" train "${common[@]}" --data tiny.yaml --cfg ../../small.yaml --epochs 400 --project runs >berries.txt 2>&1) & pid=$!
wait_for 60 test -f nest/berries/runs/exp/weights/last.pt
kill -KILL $pid; wait $pid
check "a run resumed from elsewhere" 0 "12 images, $labels labels" "$gannet" train --resume nest/berries/runs/exp/weights/last.pt --dry-run
grep -q "data: .*$work/nest/berries/tiny.yaml" nest/berries/runs/exp/settings.yaml || fail "settings.yaml: the data set is not named absolutely"
echo "0 0.5 0.5 0.1 0.1" >>"$(ls -d nest/berries/labels/* | head -n 1)"
check "a run resumed with other labels" 2 "12 images, $labels labels" "$gannet" train --resume nest/berries/runs/exp/weights/last.pt --dry-run
holds "a run resumed with other labels" "has 12 images, $((labels + 1)) labels"

# --- A run that is started again goes on.
run=("${train[@]}" --data tiny/tiny.yaml --cfg small.yaml --set nominal_batch=8)
"${run[@]}" --epochs 6 --name whole >whole.txt 2>&1 || fail "whole: $(tail -n 1 whole.txt)"
GANNET_FAULT=step:0:kill:8 "${run[@]}" --epochs 6 --name auto --resume auto >auto.txt 2>&1
[[ $? == 137 ]] || fail "resume auto: not killed: $(tail -n 1 auto.txt)"
check "resume auto with other settings" 0 "other settings, a new one starts: lr0 is" "${run[@]}" --epochs 6 --name auto --resume auto --set lr0=0.02
rm -rf runs/auto2
check "resume auto" 0 "goes on with the unfinished run" "${run[@]}" --epochs 6 --name auto --resume auto
diff <(losses whole) <(losses auto) >/dev/null || fail "resume auto: other losses than a whole run"
[[ -e runs/auto2 ]] && fail "resume auto: a second run"
GANNET_FAULT=step:0:kill:8 "${run[@]}" --epochs 6 --name requeued >requeued.txt 2>&1
check "a job that Slurm starts again" 0 "goes on with the unfinished run" env SLURM_RESTART_COUNT=1 "${run[@]}" --epochs 6 --name requeued
check "resume auto of a finished run" 0 "the run is finished, a new one starts" "${run[@]}" --epochs 1 --name auto --resume auto
GANNET_FAULT=step:0:kill:8 "${run[@]}" --epochs 6 --name over >over.txt 2>&1
check "a run in the directory of its weights" 2 "would replace the weights that the run starts from" \
  "${train[@]}" --data tiny/tiny.yaml --weights "$model" --epochs 1 --name model --exist-ok
check "an unfinished run that is replaced" 0 "epochs so far, which this one replaces" "${run[@]}" --epochs 1 --name over --exist-ok
[[ -s runs/over/weights/replaced.pt ]] || fail "an unfinished run that is replaced: its state is lost"

# --- Two runs at one port.
export MASTER_ADDR=127.0.0.1 MASTER_PORT=$(free_port) WORLD_SIZE=2
for rank in 0 1; do
  RANK=$rank LOCAL_RANK=$rank "${run[@]}" --epochs 4000 --name "port" --exist-ok >"port$rank.txt" 2>&1 & pids[rank]=$!
done
wait_for 60 test -f runs/port/weights/last.pt
for rank in 0 1; do
  RANK=$rank LOCAL_RANK=$rank check "rank $rank of a second run at the port" 4 "MASTER_PORT" timeout 20 "${run[@]}" --epochs 1 --name second --dist-timeout 10
  holds "rank $rank of a second run at the port" "port $MASTER_PORT"
done
kill -0 "${pids[@]}" || fail "the first run at the port has ended: $(tail -n 1 port1.txt)"
kill -TERM "${pids[@]}"; wait "${pids[@]}"
unset MASTER_ADDR MASTER_PORT WORLD_SIZE

# --- Exports start as they are.
first=$(ls tiny/images | head -n 1); stem=${first%.*}
names='names: [stop, warning, speed_limit, direction, priority]'
mkdir -p robo/train robo/valid && cp -r tiny/images tiny/labels robo/train/ && cp -r tiny/images tiny/labels robo/valid/
printf 'train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 5\n%s\nroboflow:\n  workspace: lab\n' "$names" >robo/data.yaml
check "paths that begin with ../" 0 "12 images, $labels labels" "${train[@]}" --data robo/data.yaml --cfg small.yaml --epochs 1 --dry-run
holds "paths that begin with ../" "key 'roboflow' is not known, ignored"
mkdir -p beside/images && cp tiny/images/* tiny/labels/* beside/images/
printf 'train: images\nval: images\nnc: 5\n%s\n' "$names" >beside/data.yaml
check "labels beside images" 0 "12 images, $labels labels" "${train[@]}" --data beside/data.yaml --cfg small.yaml --epochs 1 --dry-run
cp -r tiny formats && mv "formats/images/$first" "formats/images/$stem.jfif" && echo x >formats/images/a.gif && echo x >formats/images/b.HEIC
check "pictures of other formats" 0 "12 images, $labels labels" "${train[@]}" --data formats/tiny.yaml --cfg small.yaml --epochs 1 --dry-run
holds "pictures of other formats" "2 pictures are of formats that are not read"
"$gannet" data check formats/tiny.yaml >out.txt 2>err.txt; holds "pictures of other formats are a problem" "formats that are not read: 4,"
"$gannet" data convert tiny/tiny.yaml coco --to coco >/dev/null 2>&1
json=coco/annotations/train.json
sed 's/"file_name": *"/&day1\\\\/' "$json" >coco/annotations/windows.json
printf 'train: images/train\nval: images/train\nannotations: annotations/windows.json\n' >coco/windows.yaml
check "backslashes in a json" 0 "12 images, $labels labels" "${train[@]}" --data coco/windows.yaml --cfg small.yaml --epochs 1 --dry-run
sed 's/"width": *[0-9]*/"width": NaN/' "$json" >coco/annotations/nan.json
printf 'train: images/train\nval: images/train\nannotations: annotations/nan.json\n' >coco/nan.yaml
check "NaN in a json" 1 "NaN and Infinity are no JSON numbers" "${train[@]}" --data coco/nan.yaml --cfg small.yaml --dry-run

# --- Errors name the cause.
cp -r tiny confident && sed -i 's/$/ 0.9/' confident/labels/*.txt
check "labels with a confidence" 1 "6 columns instead of 5: a row of detections, with a confidence?" "${train[@]}" --data confident/tiny.yaml --cfg small.yaml --dry-run
cp -r tiny binary && (printf '\033[2J\a 1 2 3 4\n'; for _ in $(seq 300); do printf "\\x$(printf %x $((RANDOM % 256)))"; done) >"binary/labels/$stem.txt"
check "a binary label file" 0 "\\x1b[2J\\x07" "${train[@]}" --data binary/tiny.yaml --cfg small.yaml --epochs 1 --dry-run
LC_ALL=C grep -q $'[\001-\010\016-\037]' err.txt && fail "a binary label file: its bytes reach the terminal"
printf 'train: gone\nval: gone\nnc: 1\nnames: [a]\n' >gone.yaml
check "the cause is the last line of --nproc" 1 "'gone' does not exist" "${train[@]}" --data gone.yaml --cfg small.yaml --nproc 2
tail -n 1 err.txt | grep -q "^error: rank .*'gone' does not exist" || fail "--nproc: the last line is: $(tail -n 1 err.txt)"

# --- Tiny inputs.
cp -r tiny odd && rm $(ls -d odd/images/* | head -n 3)
tiny=("$gannet" train --data odd/tiny.yaml --cfg small.yaml --workers 1 --epochs 1 --project "$work/runs" --name small)
for flags in "--img 32 --batch 4" "--img 32 --batch 2 --precision fp32" "--img 64 --batch 4 --multi-scale" "--img 32 --batch 4 --nproc 2" \
             "--img 32 --batch 4 --precision bf16" "--img 32 --batch 2 --precision bf16" "--img 32 --batch 1" "--img 32 --batch 4 --deterministic"; do
  check "tiny input: $flags" 0 "best weights in" "${tiny[@]}" $flags
done
sed 's/\[5, 9, 13\]/[4, 9, 13]/' small.yaml >even.yaml
check "a model whose layers do not fit" 1 "even.yaml:$(grep -n SPP even.yaml | cut -d: -f1): layer 8, SPP, does not fit" "${tiny[@]}" --img 64 --cfg even.yaml
check "everything frozen" 2 "--freeze: freezes all layers" "${tiny[@]}" --img 64 --batch 4 --freeze 900

# --- Classes go by name.
order=(4 2 0 1 3) # place of each class in the other order
cp -r tiny other && awk -v order="${order[*]}" 'BEGIN {split(order, to, " ")} {$1 = to[$1 + 1]; print > FILENAME ".new"}' other/labels/*.txt
for file in other/labels/*.new; do mv "$file" "${file%.new}"; done
printf 'train: images\nval: images\nnc: 5\nnames: [speed_limit, direction, warning, priority, stop]\n' >other/tiny.yaml
val() { "$gannet" val --weights "$model" --data "$1/tiny.yaml" --img 96 --precision fp32 --verbose --conf 0.01 2>val.txt | grep -vE '^(speed|results in)' | sort; }
val tiny >val1.txt; val other >val2.txt
diff val1.txt val2.txt || fail "val: the order of the classes changes the figures"
grep -q "classes are matched by name" val.txt || fail "val: another order without a word"
awk '$1 == "all" && $6 > 0.01 {found = 1} END {exit !found}' val1.txt || fail "val: the comparison needs a model that finds something: $(cat val1.txt)"
sed 's/priority/yield/' other/tiny.yaml >other/unknown.yaml
check "val with a class that the model does not know" 1 "the model does not know yield" "$gannet" val --weights "$model" --data other/unknown.yaml --img 96
check "weights decide the model" 0 "classes are matched by name" "${train[@]}" --weights "$model" --data other/tiny.yaml --epochs 1 --set lr0=0 --set warmup_bias_lr=0 --name tuned
tuned() { awk '{print $9, $10, $11, $12}' "runs/$1/results.txt"; }
check "weights in the same order" 0 "the model is that of the weights" "${train[@]}" --weights "$model" --data tiny/tiny.yaml --epochs 1 --set lr0=0 --set warmup_bias_lr=0 --name same
[[ $(tuned tuned) == "$(tuned same)" ]] || fail "fine-tuning: other figures with another order: $(tuned tuned), $(tuned same)"
check "weights for another model" 0 "tensors of the model's body fit" "${train[@]}" --weights "$model" --data tiny/tiny.yaml --cfg yolov5s --epochs 1 --dry-run

# --- Sources of detect, and where results go.
detect=("$gannet" detect --weights "$model" --img 96 --save-txt)
images=(tiny/images/*)
mkdir -p 'set [1]' deep/a/b day1 day2 mine none
cp "${images[0]}" 'set [1]/x.jpg'; cp "${images[1]}" 'set [1]/Y.JPG'; cp "${images[2]}" deep/top.jpg; cp "${images[3]}" deep/a/b/low.jpg
cp "${images[0]}" day1/img.jpg; cp "${images[1]}" day2/img.jpg; cp "${images[2]}" day2/img.jpeg
printf './day1/img.jpg\r\nday2\\img.jpg\n' >list.txt
check "a folder with brackets" 0 "in 2 images" "${detect[@]}" --source 'set [1]'
check "a pattern below a folder with brackets" 0 "in 2 images" "${detect[@]}" --source 'set [1]/*'
check "any folders" 0 "in 2 images" "${detect[@]}" --source 'deep/**/*.jpg'
check "subfolders are not searched" 0 "subfolders that are not searched: 1" "${detect[@]}" --source deep
check "subfolders are searched" 0 "in 2 images" "${detect[@]}" --source deep --recursive
[[ $(ls -d runs/detect/exp* | wc -l) == 5 && -s runs/detect/exp5/a/b/low.jpg ]] || fail "detect: not a directory of its own for each run: $(ls -R runs/detect)"
check "a list" 0 "in 2 images" "${detect[@]}" --source list.txt --output found
[[ -s found/day1/img.jpg && -s found/day2/img.jpg && -e found/day1/img.txt && -e found/day2/img.txt ]] || fail "equal names: $(find found)"
check "equal stems" 0 "in 2 images" "${detect[@]}" --source day2 --output two
[[ $(ls two/*.txt | wc -l) == 2 && $(ls two/*.jp*g | wc -l) == 2 ]] || fail "equal stems: $(ls two)"
check "an empty folder" 2 "no images" "${detect[@]}" --source none
cp "${images[0]}" mine/photo.jpg; echo '0 0.5 0.5 0.1 0.1' >mine/photo.txt; md5sum mine/* >sums.txt
check "results over sources" 2 "a source would be replaced" "${detect[@]}" --source mine --output mine
check "results over sources, said to be all right" 2 "a source would be replaced" "${detect[@]}" --source mine --output mine --exist-ok
check "results over other files" 2 "is no result of an earlier run" "${detect[@]}" --source day1/img.jpg --output day2
md5sum -c sums.txt >/dev/null || fail "detect has changed its sources"

# --- Recipes: each value said, a person's choice kept, the same digits for any number of processes and after a stop.
v7=("${train[@]}" --data tiny/tiny.yaml --cfg yolov5n-v7)
check "an unknown recipe" 2 "'v8' is not one of" "${v7[@]}" --recipe v8
check "an unknown overlap" 2 "'eiou' is not one of iou, giou, diou, ciou" "${v7[@]}" --set box_loss=eiou --epochs 1
check "quad and deterministic" 2 "--deterministic: cannot be combined with --quad" "${v7[@]}" --quad --deterministic
check "the recipe of the model" 0 "best weights in" "${v7[@]}" --epochs 1 --name of_model --freeze 0 1 --quad --cos-lr
for line in 'recipe: "v7"' 'box_loss: "ciou"' 'freeze: \[0, 1\]' 'linear_lr: false' 'clip_grad: 10'; do
  grep -q "$line" runs/of_model/settings.yaml || fail "the recipe of the model: no $line"
done
check "a layer that there is not" 2 "there is no layer 99: the last one is 24" "${v7[@]}" --epochs 1 --freeze 0 99
check "decisions from the data" 0 "best weights in" "${v7[@]}" --recipe auto --optimizer sgd --deterministic --epochs 3 --name decided1
holds "decisions from the data" "recipe auto: hyp.nominal_batch = 4"
grep -q 'optimizer: "sgd"' runs/decided1/settings.yaml || fail "decisions from the data: a person's choice was not kept"
check "the same by two processes" 0 "best weights in" "${v7[@]}" --recipe auto --optimizer sgd --deterministic --epochs 3 --nproc 2 --name decided2
[[ $(losses decided1) == "$(losses decided2)" ]] || fail "two processes have other figures: $(losses decided1; losses decided2)"
GANNET_FAULT=evaluation:0:kill:2 "${v7[@]}" --recipe auto --optimizer sgd --deterministic --epochs 3 --name decided3 >decided3.txt 2>&1
check "a stopped one goes on" 0 "best weights in" "$gannet" train --resume runs/decided3/weights/last.pt
[[ $(losses decided1) == "$(losses decided3)" ]] || fail "a resumed run has other figures: $(losses decided1; losses decided3)"

# --- The commands of the README, on real pictures, with small figures for size and epochs; `serve`, which does not
# end, has a test of its own.
mkdir readme && cd readme && make_real_set
commands=$(documented_commands README.md | grep -v '^gannet serve ' | sed -E 's/--img [0-9]+/--img 128/; s/--batch [0-9]+/--batch 4/; s/--epochs [0-9]+/--epochs 1/')
[[ $(wc -l <<<"$commands") -ge 6 ]] || fail "README: only these commands are found: $commands"
while read -r _ arguments; do
  check "README: gannet $arguments" 0 "" "$gannet" $arguments
  grep -q '^warning' err.txt && fail "README: gannet $arguments: $(grep '^warning' err.txt)"
done <<<"$commands"

# --- Those of docs/recipes.md.
commands=$(documented_commands docs/recipes.md)
[[ $(wc -l <<<"$commands") -ge 3 ]] || fail "docs/recipes.md: only these commands are found: $commands"
while read -r _ arguments; do
  check "docs/recipes.md: gannet $arguments" 0 "" "$gannet" $arguments --img 128 --batch 4 --epochs 1 --project recipes
done <<<"$commands"

# --- Those of docs/evaluation.md.
cp runs/train/exp/weights/best.pt . && cp -r pictures images && sed -i 's|^val:|test: mydata/images/val\nval:|' mydata.yaml
"$gannet" data convert mydata.yaml as_coco --to coco >/dev/null 2>convert.txt || fail "convert: $(cat convert.txt)"
cp "$(find as_coco -name '*val*.json' | head -n 1)" instances.json || fail "no COCO json: $(find as_coco)"
commands=$(documented_commands docs/evaluation.md | sed -E 's/--img [0-9]+/--img 128/; s/--task study/--task study --img 128/')
[[ $(wc -l <<<"$commands") -ge 6 ]] || fail "docs/evaluation.md: only these commands are found: $commands"
while read -r _ arguments; do
  check "docs/evaluation.md: gannet $arguments" 0 "" "$gannet" $arguments
done <<<"$commands"
[[ $(ls runs/val | wc -l) == 5 ]] || fail "docs/evaluation.md: not a run directory for each evaluation but the speed: $(ls runs/val)"
grep -q '"truth": "annotation file"' runs/val/exp4/results.json || fail "--coco-json is not what the numbers come from"
end_of_test
