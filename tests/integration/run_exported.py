"""Runs exported networks as Python programs do: ONNX by onnxruntime, TorchScript by torch.jit.

golden FILE VECTOR INPUT DECODED   predictions of a file, decoded or raw, against those of a vector
same FILE OTHER                    two files on the images of OTHER's fixed shape
nms FILE DECODED CONF IOU MAX      suppression inside a file, against ours of what DECODED says
"""
import ast
import json
import sys

import numpy as np
import torch

from yolov5_stand_ins import read_safetensors


class Onnx:
    def __init__(self, path):
        import onnx
        import onnxruntime

        onnx.checker.check_model(onnx.load(path), full_check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        meta = self.session.get_modelmeta().custom_metadata_map
        self.names, self.stride, self.meta = ast.literal_eval(meta["names"]), int(meta["stride"]), meta
        self.shape = self.session.get_inputs()[0].shape

    def run(self, images):
        return self.session.run(None, {self.session.get_inputs()[0].name: images.astype(np.float32)})


class TorchScript:
    def __init__(self, path):
        extra = {"config.txt": ""}
        self.module = torch.jit.load(path, _extra_files=extra)
        self.meta = json.loads(extra["config.txt"])
        self.names = {int(id): name for id, name in self.meta["names"].items()}
        self.stride, self.shape = int(self.meta["stride"]), self.meta["shape"]

    @torch.no_grad()
    def run(self, images):
        outputs = self.module(torch.from_numpy(images.astype(np.float32)))
        return [x.numpy() for x in (outputs if isinstance(outputs, tuple) else (outputs,))]


def open_network(path):
    return Onnx(path) if path.endswith(".onnx") else TorchScript(path)


def decode(network, levels):
    """Boxes from raw levels (B, A, H, W, V), by the published formula and what the metadata say."""
    decoded = []
    strides, anchors = json.loads(network.meta["strides"]), json.loads(network.meta["anchors"])
    for raw, stride, sides in zip(levels, strides, anchors, strict=True):
        y = 1 / (1 + np.exp(-raw.astype(np.float64)))
        images, _, rows, columns, values = y.shape
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1)
        xy = (y[..., 0:2] * 2 - 0.5 + grid) * stride
        wh = (y[..., 2:4] * 2) ** 2 * np.reshape(sides, (1, -1, 1, 1, 2))
        decoded.append(np.concatenate((xy, wh, y[..., 4:]), 4).reshape(images, -1, values))
    return np.concatenate(decoded, 1)


def difference(actual, wanted):
    """Boxes, objectness and classes, each on its own scale."""
    assert actual.shape == wanted.shape, (actual.shape, wanted.shape)
    parts = [slice(0, 4), slice(4, 5), slice(5, None)]
    return max(np.abs(actual[..., p] - wanted[..., p]).max() / np.abs(wanted[..., p]).max() for p in parts)


def require_equal(error, what):
    assert error <= 1e-4, f"{what} off by {error}"
    print(f"{what} agree: off by {error:.1e}")


def golden(path, vector, input_name, decoded_name):
    network, tensors = open_network(path), read_safetensors(vector)
    wanted = tensors[decoded_name].double().numpy()
    outputs = network.run(tensors[input_name].float().numpy())
    decoded = outputs[0] if len(outputs) == 1 else decode(network, outputs)
    assert list(network.names) == list(range(wanted.shape[2] - 5)), network.names
    assert network.stride == max(json.loads(network.meta["strides"])), network.stride
    require_equal(difference(decoded, wanted), f"{len(outputs)} outputs")


def same(path, other):
    first, second = open_network(path), open_network(other)
    images = np.random.default_rng(1).random(second.shape)
    require_equal(difference(first.run(images)[0], second.run(images)[0]), f"images of {second.shape}")


def suppress(rows, iou_limit, most):
    """Greedy, of one class: rows x1, y1, x2, y2, score."""
    kept = []
    for row in rows[np.argsort(-rows[:, 4], kind="stable")]:
        if len(kept) == most:
            break
        overlaps = False
        for other in kept:
            size = np.minimum(row[2:4], other[2:4]) - np.maximum(row[:2], other[:2])
            common = np.prod(np.maximum(size, 0))
            union = np.prod(row[2:4] - row[:2]) + np.prod(other[2:4] - other[:2]) - common
            overlaps = overlaps or common / union > iou_limit
        if not overlaps:
            kept.append(row)
    return kept


def nms(path, decoded_path, confidence, iou, most):
    network, plain = open_network(path), open_network(decoded_path)
    images = np.random.default_rng(1).random(network.shape)
    actual, decoded = network.run(images)[0], plain.run(images)[0]
    wanted = []
    for number, boxes in enumerate(decoded):
        corners = np.concatenate((boxes[:, 0:2] - boxes[:, 2:4] / 2, boxes[:, 0:2] + boxes[:, 2:4] / 2), 1)
        for class_id in range(boxes.shape[1] - 5):
            scores = boxes[:, 4] * boxes[:, 5 + class_id]
            rows = np.concatenate((corners, scores[:, None]), 1)[scores > confidence]
            wanted += [[number, *row, class_id] for row in suppress(rows, iou, most)]
    wanted = np.array(wanted)
    assert 10 < len(wanted) < len(decoded) * len(decoded[0]), len(wanted)
    assert actual.shape == wanted.shape, (actual.shape, wanted.shape)
    assert np.abs(actual - wanted).max() <= 1e-3, np.abs(actual - wanted).max()
    print(f"suppression agrees: {len(wanted)} detections")


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "golden":
        golden(*arguments)
    elif command == "same":
        same(*arguments)
    else:
        nms(*arguments[:2], float(arguments[2]), float(arguments[3]), int(arguments[4]))
