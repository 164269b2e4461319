#!/bin/bash
# COCO's evaluation: gannet and, if a Python with pycocotools is given, pycocotools on the same two
# files, with the ratio of their times and the greatest difference of their numbers.
#   coco_eval.sh COCO_EVAL_BENCH FOLDER [PYTHON]
set -euo pipefail
program=$1 folder=$2 python=${3:-}

[ -e "$folder/detections.json" ] || "$program" write "$folder"
"$program" read "$folder" | tee "$folder/gannet.txt"
[ -n "$python" ] || exit 0

"$python" - "$folder" <<'PYTHON'
import contextlib, os, sys, time
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

folder = sys.argv[1]
start = time.perf_counter()
with contextlib.redirect_stdout(open(os.devnull, "w")):
    truth = COCO(os.path.join(folder, "truth.json"))
    found = truth.loadRes(os.path.join(folder, "detections.json"))
    read = time.perf_counter()
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
end = time.perf_counter()
reading, evaluating = read - start, end - read
print(f"pycocotools seconds: read {reading:.2f} evaluate {evaluating:.2f} total {end - start:.2f}")
print("pycocotools numbers:", " ".join(f"{x:.12f}" for x in evaluation.stats))
lines = [line.split() for line in open(os.path.join(folder, "gannet.txt"))]
seconds = dict(zip(lines[0][2::2], map(float, lines[0][3::2])))
difference = max(abs(float(a) - b) for a, b in zip(lines[1][2:], evaluation.stats))
print(f"ratio: evaluate {evaluating / seconds['evaluate']:.1f} "
      f"total {(end - start) / seconds['total']:.1f}")
print(f"greatest difference of a number: {difference:.1e}")
sys.exit(int(difference > 1e-9))
PYTHON
