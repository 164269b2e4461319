#!/usr/bin/env bash
# Runs the real program on a tiny data set: training, resuming, evaluation, detection, and what bad
# input gets. Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"
export OMP_NUM_THREADS=2

check "demo data" 0 "200 training" "$gannet" data demo demo
make_tiny_set
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1)

check "training" 0 "best weights in" "${train[@]}" --epochs 3 --precision fp32 --name a
for file in results.txt results.csv settings.yaml data.yaml model.yaml hyp.yaml log.txt train_batch0.jpg labels.jpg labels_correlogram.jpg \
            results.png val_batch0_pred.jpg weights/last.pt weights/best.pt; do
  [[ -s runs/a/$file ]] || fail "training: no $file"
done
[[ $(wc -l <runs/a/results.txt) == 3 ]] || fail "results.txt has not one row an epoch"

losses() { awk '{print $3, $4, $5, $6, $9, $10, $11, $12}' "runs/$1/results.txt"; }
check "the same run again" 0 "best" "${train[@]}" --epochs 3 --precision fp32 --name b
for workers in 0 2 4; do
  check "with $workers loader threads" 0 "best" "${train[@]}" --epochs 3 --precision fp32 --name "w$workers" --workers $workers
  diff <(losses a) <(losses "w$workers") >/dev/null || fail "$workers loader threads change the numbers"
done
diff <(losses a) <(losses b) >/dev/null || fail "the same seed gives other numbers"
check "another seed" 0 "best" "${train[@]}" --epochs 3 --precision fp32 --name c --seed 1
diff <(losses a) <(losses c) >/dev/null && fail "another seed gives the same numbers"
check "repeating from settings.yaml" 0 "best" "$gannet" train --settings runs/a/settings.yaml --name again
diff <(losses a) <(losses again) >/dev/null || fail "settings.yaml does not repeat the run"

# Interrupted in the third epoch, resumed: the rows equal those of the uninterrupted run.
"${train[@]}" --epochs 40 --precision fp32 --name stopped >out.txt 2>err.txt & pid=$!
two_rows() { [[ -f runs/stopped/results.txt && $(wc -l <runs/stopped/results.txt) -ge 2 ]]; }
wait_for 60 two_rows
kill -TERM $pid; wait $pid; status=$?
[[ $status == 3 ]] || fail "SIGTERM: exit status $status, expected 3: $(tail -n 2 err.txt)"
rows=$(wc -l <runs/stopped/results.txt)
check "resuming" 0 "best weights in" "$gannet" train --resume runs/stopped/weights/last.pt --epochs 40
[[ $(wc -l <runs/stopped/results.txt) == 40 ]] || fail "the resumed run has $(wc -l <runs/stopped/results.txt) rows"
check "the whole run" 0 "best" "${train[@]}" --epochs 40 --precision fp32 --name whole
diff <(losses whole) <(losses stopped) >/dev/null || fail "the run resumed after $rows epochs differs from the whole one"

cp -r tiny damaged; cut_off=damaged/images/$(ls damaged/images | head -n 1)
head -c 1500 "tiny/images/$(basename "$cut_off")" >"$cut_off"
check "evaluation with an image that ends early" 0 "$(basename "$cut_off"): cannot be read, and is left out" \
  "$gannet" val --weights runs/a/weights/best.pt --data damaged/tiny.yaml --img 96 --precision fp32

check "bf16, rect, multi-scale, Adam" 0 "best" "${train[@]}" --epochs 1 --precision bf16 --rect --multi-scale --optimizer adam --name d
check "single class, notest, nosave" 0 "best" "${train[@]}" --epochs 2 --single-cls --notest --nosave --name e
check "compat original" 0 "best" "${train[@]}" --epochs 1 --compat original --name f
check "dry run" 0 "training and 12 validation images" "${train[@]}" --epochs 1 --dry-run --name dry
[[ -e runs/dry ]] && fail "a dry run writes"

check "upload" 0 "to file://$work/uploaded/up" "${train[@]}" --epochs 2 --save-period 1 --name up --bucket "file://$work/uploaded/up"
for file in weights/best.pt weights/last.pt weights/epoch0.pt weights/epoch1.pt results.txt results.csv settings.yaml results.png labels.jpg; do
  cmp -s "runs/up/$file" "uploaded/up/$file" || fail "upload: $file is not what the run holds"
done
check "address of an upload" 2 "s3://bucket/prefix" "${train[@]}" --name nowhere --bucket nowhere
check "keys of an upload" 2 "AWS_ACCESS_KEY_ID" env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY HOME="$work" "${train[@]}" --name nowhere --bucket s3://bucket/x
check "address of an upload in a dry run" 2 "--bucket" "${train[@]}" --dry-run --bucket "file://$work/small.yaml/below"
check "upload that fails" 0 "not uploaded to s3://bucket/x" env AWS_ACCESS_KEY_ID=i AWS_SECRET_ACCESS_KEY=s no_proxy='*' AWS_ENDPOINT_URL=http://127.0.0.1:1 \
  "${train[@]}" --epochs 1 --name failing --bucket s3://bucket/x
[[ -e runs/nowhere ]] && fail "a run whose upload cannot be makes a directory"

check "val" 0 "all" "$gannet" val --weights runs/a/weights/best.pt --data tiny/tiny.yaml --img 96 --verbose
val=("$gannet" val --weights runs/a/weights/best.pt --data tiny/tiny.yaml --img 96)
check "COCO results" 0 "detections in runs/val/json/predictions.json" "${val[@]}" --save-json --name json
grep -q '"category_id":' runs/val/json/predictions.json || fail "COCO results: no detections"
check "an unknown protocol" 2 "one of auto, july2020, v7, coco" "${val[@]}" --protocol map
check "annotations that are not there" 1 "gone.json" "${val[@]}" --coco-json gone.json
check "a study" 0 "results in runs/val/study" "${val[@]}" --img 128 --task study --name study
[[ -s runs/val/study/study.png && $(wc -l <"$(ls runs/val/study/study_tiny_best.txt)") == 1 ]] || fail "study: $(ls runs/val/study)"
check "single class" 0 "(july2020)" "${val[@]}" --single-cls
[[ -s runs/a/PR_curve.png && -s runs/a/confusion_matrix.png && -s runs/a/results.json ]] || fail "training leaves no report: $(ls runs/a)"
check "detect without a best confidence" 0 "using 0.25" "$gannet" detect --weights runs/a/weights/best.pt --source tiny/images --conf-thres auto --img 96
check "data check" 0 "" "$gannet" data check demo/demo.yaml --img 256
check "data convert" 0 "" "$gannet" data convert tiny/tiny.yaml as-coco --to coco
check "training on COCO json" 0 "best" "${train[@]}" --data as-coco/data.yaml --epochs 3 --precision fp32 --name coco
diff <(losses a) <(losses coco) >/dev/null || fail "the converted set trains to other numbers"
for cache in ram disk; do
  check "image cache: $cache" 0 "best" "${train[@]}" --epochs 3 --precision fp32 --name "cache-$cache" --cache-images $cache
  diff <(losses a) <(losses "cache-$cache") >/dev/null || fail "the image cache in $cache changes the numbers"
done
check "test is an alias" 0 "all" "$gannet" test --weights runs/a/weights/best.pt --data tiny/tiny.yaml --img 96
check "detect" 0 "results in found" "$gannet" detect --weights runs/a/weights/best.pt --source tiny/images --output found --save-txt --img 96 --conf 0.01
[[ $(ls found/*.txt | wc -l) == 12 && $(ls found/*.jpg | wc -l) == 12 ]] || fail "detect: not one picture and label file an image"
check "info" 0 '"params": 7468157' "$gannet" info yolov5s.yaml --json

# What bad input gets: one line that names it.
check "no command" 2 "" "$gannet"
check "unknown flag" 2 "--no-such" "$gannet" train --no-such 1
check "ambiguous prefix" 2 "may mean" "$gannet" train --no
check "batch 0" 2 "batch-size" "${train[@]}" --batch 0
check "missing data file" 2 "nowhere.yaml" "$gannet" train --data nowhere.yaml
printf 'train: images_gone\nval: images\nnc: 1\nnames: [a]\n' >tiny/gone.yaml
check "missing images" 1 "gone.yaml:1: train: 'images_gone' does not exist" "${train[@]}" --data tiny/gone.yaml
printf 'train: images\nval: images\nnc: 5\nnames: [a, b]\n' >tiny/names.yaml
check "names that do not match nc" 1 "2 names for nc = 5" "${train[@]}" --data tiny/names.yaml
printf 'train: images\nval: images\nnc: 1\nnames: [a]\n' >tiny/one.yaml
check "class id out of range" 1 ".txt:" "${train[@]}" --data tiny/one.yaml
mkdir -p empty/images && printf 'train: images\nval: images\nnc: 1\nnames: [a]\n' >empty/e.yaml
check "empty training set" 1 "empty" "${train[@]}" --data empty/e.yaml
sed 's/BottleneckCSP/BottleneckCSPP/' small.yaml >module.yaml
check "unknown module" 1 "did you mean 'BottleneckCSP'?" "${train[@]}" --cfg module.yaml
(cat small.yaml; echo 'widht: 1') >key.yaml
check "unknown YAML key" 1 "unknown key 'widht'" "${train[@]}" --cfg key.yaml
sed 's/na \* (nc + 5)/__import__("os")/' small.yaml >eval.yaml
check "an expression in a model file" 1 "is not known" "${train[@]}" --cfg eval.yaml
check "unknown hyperparameter" 2 "did you mean 'lr0'?" "${train[@]}" --set lr00=1
head -c 1000 runs/a/weights/best.pt >cut.pt
check "corrupt checkpoint" 1 "cut.pt" "$gannet" val --weights cut.pt --data tiny/tiny.yaml
check "corrupt weights" 1 "cut.pt" "${train[@]}" --weights cut.pt
check "weights of another architecture" 0 "of another shape: model.1.conv.weight 16x8x3x3 in the file" "${train[@]}" --weights runs/a/weights/best.pt --cfg yolov3-spp.yaml --dry-run
check "resume and weights" 2 "--weights" "$gannet" train --resume runs/a/weights/last.pt --weights x.pt
check "resume of a finished run" 1 "training state" "$gannet" train --resume runs/a/weights/last.pt
: >afile
check "unwritable run directory" 1 "run directory" "${train[@]}" --project afile/x --epochs 1
check "device that is not there" 2 "device" "${train[@]}" --device 99
check "three image sizes" 2 "one or two sizes" "${train[@]}" --img 96 96 96

# A corrupt image and a corrupt label line are named once and skipped; so is one that breaks later.
cp -r tiny hurt && printf 'no picture' >hurt/images/broken.jpg && echo '0 0.5 x 0.1 0.1' >>"$(ls -d hurt/labels/* | head -n 1)"
f=$(ls -d hurt/images/*_1* 2>/dev/null | head -n 1); f=${f:-$(ls -d hurt/images/*.jpg | sed -n 3p)}
truncate -s -2000 "$f"
check "corrupt image and label" 0 "broken.jpg" "${train[@]}" --data hurt/tiny.yaml --epochs 1 --name hurt
[[ $(grep -c "broken.jpg" err.txt) == 1 ]] || fail "the corrupt image is not named once: $(cat err.txt)"
[[ $(grep -cE "labels/.*\.txt:[0-9]+" err.txt) == 1 ]] || fail "the corrupt label line is not named once: $(cat err.txt)"
end_of_test
