"""Opens a checkpoint of gannet with Python's torch.load(weights_only=True) and looks at its keys."""
import sys

import torch

root = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
assert root["format"] == "gannet" and root["version"] == 1, root.keys()
for key in ("model", "model_yaml", "names", "stride", "anchors"):
    assert key in root, key
assert all(isinstance(t, torch.Tensor) for t in root["model"].values())
assert root["model"]["model.0.conv.bn.num_batches_tracked"].dtype == torch.int64
if "optimizer" in root:
    for key in ("ema", "scaler", "schedule", "sampler", "rng", "epoch", "iteration", "best_fitness", "results", "settings"):
        assert key in root, key
    assert root["ema"]["model"].keys() == root["model"].keys()
    assert root["model"]["model.0.conv.conv.weight"].dtype == torch.float32
else:
    assert root["model"]["model.0.conv.conv.weight"].dtype == torch.float16
print("weights_only ok:", len(root["model"]), "tensors")
