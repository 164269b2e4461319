# Reads a run's event files as TensorBoard does and holds them against results.csv.
# Arguments: the run's directory, the number of epochs that must be there.
import csv
import io
import os
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util


def load(folder):
    events = EventAccumulator(folder, size_guidance=dict.fromkeys(("scalars", "images", "tensors", "histograms"), 0))
    events.Reload()
    return events


def png_or_jpeg(data):
    return data.startswith(b"\x89PNG\r\n\x1a\n") or data.startswith(b"\xff\xd8\xff")


run, epochs = sys.argv[1], int(sys.argv[2])
events = load(run)
rows = list(csv.DictReader(open(os.path.join(run, "results.csv"))))[:epochs]
columns = {"train/giou_loss": "train/box_loss", "train/obj_loss": "train/obj_loss", "train/cls_loss": "train/cls_loss",
           "metrics/precision": "metrics/precision", "metrics/recall": "metrics/recall",
           "metrics/mAP_0.5": "metrics/mAP_0.5", "metrics/mAP_0.5:0.95": "metrics/mAP_0.5:0.95",
           "val/giou_loss": "val/box_loss", "val/obj_loss": "val/obj_loss", "val/cls_loss": "val/cls_loss"}
for tag, column in columns.items():
    got = [(event.step, event.value) for event in events.Scalars(tag)]
    assert [step for step, _ in got[:epochs]] == list(range(epochs)), (tag, got)
    for (_, value), row in zip(got, rows):
        assert abs(value - float(row[column])) <= 1e-5 * max(1, abs(value)), (tag, value, row[column])
steps = [event.step for event in load(os.path.join(run, "steps")).Scalars("step/total_loss")]
assert len(steps) >= epochs and steps == sorted(set(steps)), steps
for tag in ("labels", "train_batch0", "train_batch2"):
    assert png_or_jpeg(events.Images(tag)[0].encoded_image_string), tag
histogram = events.Histograms("classes")[-1].histogram_value
assert histogram.num == sum(histogram.bucket) > 0 and histogram.bucket_limit[:5] == [1, 2, 3, 4, 5], histogram
text = tensor_util.make_ndarray(events.Tensors("settings")[-1].tensor_proto).item().decode()
assert "    batch_size: 4\n" in text.replace("      ", "    "), text
print(f"{len(steps)} rows of steps; all epochs agree: {epochs}")
