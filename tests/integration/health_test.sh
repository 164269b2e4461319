#!/usr/bin/env bash
# Runs that have numbers which are not finite, too little time, or more epochs than was planned.
# Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"

make_tiny_set  # three batches an epoch
train=("$gannet" train --data tiny/tiny.yaml --cfg small.yaml --img 96 --batch 4 --project runs --workers 1 --precision fp32
       --set nominal_batch=4)
holds() { grep -qE -- "$2" err.txt out.txt || fail "$1: no '$2' in: $(tail -n 3 err.txt)"; } # name, pattern
rows() { wc -l <"runs/$1/results.txt"; }
losses() { awk '{print $1, $3, $4, $5, $6, $9, $10, $11, $12}' "runs/$1/results.txt"; }
same() { # name, other name
  diff <(losses "$1") <(losses "$2") >diff.txt || fail "$1: other losses than $2: $(head -n 3 diff.txt)"
  cmp -s "runs/$1/weights/last.pt" "runs/$2/weights/last.pt" || fail "$1: other weights than $2"
}
hurt() { # name, fault, flags...
  local name=$1 fault=$2; shift 2
  check "$name" 0 "best weights in" env GANNET_FAULT="$fault" "${train[@]}" --epochs 5 --name "$name" "$@"
  [[ $(rows "$name") == 5 ]] || fail "$name: $(rows "$name") rows, not 5"
  grep -qE 'nan|inf' "runs/$name/results.txt" && fail "$name: rows that are not finite"
}

# --- Numbers that are not finite.
hurt gradient gradient:0:nan:5
holds gradient "iteration 4: not finite: the gradient of 'model\..*'; computed again all is finite; the update is skipped, 1 in a row; images .*\.jpg"
[[ $(grep -c 'not finite:' err.txt) == 1 ]] || fail "gradient: not one warning: $(cat err.txt)"
hurt loss step:0:nan:5
holds loss "iteration 4: not finite: "
hurt back gradient:0:nan:8-10
holds back "iteration 9: back to what was learned at the end of the last epoch, with 0.5 times the learning rate"
hurt rank1 step:1:nan:5 --nproc 2
holds rank1 "iteration 4: not finite"
hurt shards1 gradient:0:nan:8-10 --deterministic
hurt shards2 gradient:0:nan:8-10 --deterministic --nproc 2
same shards2 shards1
check "going back too often" 1 "after going back 3 times" env GANNET_FAULT=gradient:0:nan:4-40 "${train[@]}" --epochs 9 --name often
check "none is wanted" 1 "the loss is not finite at iteration 3" env GANNET_FAULT=step:0:nan:4 "${train[@]}" --epochs 5 --max-bad-steps 0 --name none
check "none is wanted of a gradient" 1 "a gradient is not finite at iteration 3" env GANNET_FAULT=gradient:0:nan:4 "${train[@]}" --epochs 5 --max-bad-steps 0 --name none2
check "statistics" 0 "best weights in" "${train[@]}" --epochs 2 --name debug --debug
for iteration in 0 3; do
  holds "statistics" "iteration $iteration: layer 0 \(.*\): mean .*, deviation .*, largest .*% zeros, 0.0% not finite"
  holds "statistics" "iteration $iteration: gradient of 'model\.0\..*': norm"
done
[[ $(grep -c 'gradient of .model\.0\.conv\.conv\.weight' err.txt) == 2 ]] || fail "statistics: not of two steps"

# --- An interrupted run ends with the same summary.
"${train[@]}" --epochs 4000 --name stopped >out.txt 2>err.txt & pid=$!
wait_for 60 test -s runs/stopped/results.txt
sleep 1; kill -TERM $pid; wait $pid; status=$?
[[ $status == 3 ]] || fail "interrupted: exit status $status"
for text in "best epoch [0-9]+: mAP@.5" "epochs in .*% of the training time waiting" "results in .*runs/stopped" "best weights in .*/best.pt"; do
  holds "interrupted" "$text"
done

# --- Too little time: what there is is evaluated, and the run goes on as if nothing had happened.
for ranks in 1 2; do
  name=limited$ranks epochs=20
  check "$name" 0 "the time is up" "${train[@]}" --epochs $epochs --name "$name" --time-limit 0.0006 --nproc $ranks
  tail -n 1 out.txt | grep -q "the time is up; gannet train --resume .*$name/weights/last.pt goes on" || fail "$name: the last line: $(tail -n 1 out.txt)"
  holds "$name" "best weights in"
  [[ -s runs/$name/results.json && -s runs/$name/confusion_matrix.png ]] || fail "$name: no report"
  check "$name goes on" 0 "goes on in epoch" "$gannet" train --resume "runs/$name/weights/last.pt" --nproc $ranks --time-limit 0
  [[ $(rows "$name") == "$epochs" ]] || fail "$name: $(rows "$name") rows, not $epochs"
  check "whole$ranks" 0 "best weights in" "${train[@]}" --epochs $epochs --name "whole$ranks" --nproc $ranks
  same "$name" "whole$ranks"
done
check "no time at all" 0 "no epoch was evaluated" "${train[@]}" --epochs 40 --name notime --time-limit 0.000001
check "no time at all, resumed" 0 "goes on in epoch 0 after 1 of 3" "$gannet" train --resume runs/notime/weights/last.pt --dry-run

# --- More epochs for a finished run.
cat >extend <<'END'
#!/usr/bin/env bash
exec "$0.program" train --resume "runs/$1/weights/last.pt" --extend 4 "${@:2}"
END
chmod +x extend && ln -s "$gannet" extend.program && extend=$work/extend # name, flags...
for ranks in 1 2; do
  for name in plain$ranks killed$ranks; do
    check "$name" 0 "best weights in" "${train[@]}" --epochs 3 --name "$name" --nproc $ranks
  done
  check "extended $ranks" 0 "a warm restart: 4 epochs more after the 3" "$extend" plain$ranks --nproc $ranks
  [[ $(rows plain$ranks) == 7 && $(wc -l <runs/plain$ranks/results.csv) == 8 ]] || fail "extended $ranks: $(rows plain$ranks) rows"
  GANNET_FAULT=step:0:kill:5 "$extend" killed$ranks --nproc $ranks >killed.txt 2>&1 && fail "killed$ranks: not killed"
  if [[ $ranks == 1 ]]; then
    check "an unfinished run is extended" 2 "finish it first: gannet train --resume" "$gannet" train --resume runs/killed1/weights/last.pt --extend 5
    check "the same extension again" 0 "the extension by 4 epochs goes on" "$extend" killed1
  else
    check "an extended run is resumed" 0 "goes on in epoch 4" "$gannet" train --resume runs/killed2/weights/last.pt --nproc 2
  fi
  same killed$ranks plain$ranks
done
check "extended again" 0 "4 epochs more after the 7" "$extend" plain1
check "extended with another number" 2 "cannot be combined with --epochs" "$extend" plain1 --epochs 50
cp runs/plain1/weights/best.pt alone.pt
check "extended without its directory" 2 "no history.pt beside it" "$gannet" train --resume alone.pt --extend 3
check "extended from the best weights" 0 "3 epochs more after the 11" "$gannet" train --resume runs/plain1/weights/best.pt --extend 3 --dry-run
check "extended without a run" 2 "--extend: needs a finished run" "${train[@]}" --extend 3

# --- Settings that change batches, losses and gradients go together with processes and with a stop.
mixed=("${train[@]}" --epochs 4 --nproc 2 --close-mosaic 2 --label-smoothing 0.1 --image-weights --freeze 2 --set cls_pw=1.5)
check "mixed" 0 "best weights in" "${mixed[@]}" --name mixed
GANNET_FAULT=step:0:kill:8 "${mixed[@]}" --name mixedkilled >killed.txt 2>&1 && fail "mixedkilled: not killed"
check "mixed, resumed" 0 "best weights in" "$gannet" train --resume runs/mixedkilled/weights/last.pt --nproc 2
same mixedkilled mixed
end_of_test
