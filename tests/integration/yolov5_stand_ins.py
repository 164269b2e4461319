"""Loads files of the yolov5 format as the original's loader does, with stand-ins at its class paths.

The stand-ins compute what the reference behaviour (sections 2.3, 2.5) says, from the attributes that
the file gives them: nothing is constructed here, so whatever an attribute lacks fails.

load FILE VECTOR INPUT DECODED [--fuse]   compare the predictions with those of a vector
describe WEIGHTS YAML OUTPUT [NAMES]      give tensors gannet's metadata, so that they are a model
"""
import json
import struct
import sys
import types

import torch
from torch import nn


def read_safetensors(path):
    kinds = {"F32": torch.float32, "F16": torch.float16, "F64": torch.float64, "I64": torch.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in kinds:
            continue
        begin, end = entry["data_offsets"]
        tensor = torch.frombuffer(data[begin:end], dtype=kinds[entry["dtype"]]) if end > begin else torch.empty(0)
        tensors[name] = tensor.reshape(entry["shape"])
    return tensors


class Conv(nn.Module):
    def forward(self, x):
        x = self.conv(x)
        return self.act(self.bn(x) if hasattr(self, "bn") else x)


class Focus(nn.Module):
    def forward(self, x):
        phases = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.conv(torch.cat(phases, 1))


class Bottleneck(nn.Module):
    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.add else y


class CrossConv(Bottleneck):
    pass


class BottleneckCSP(nn.Module):
    def forward(self, x):
        joined = torch.cat((self.cv3(self.m(self.cv1(x))), self.cv2(x)), 1)
        return self.cv4(self.act(self.bn(joined)))


class CrossCSP(BottleneckCSP):
    """Called C3 in July 2020."""


class C3(nn.Module):
    def forward(self, x):
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))


class SPP(nn.Module):
    def forward(self, x):
        x = self.cv1(x)
        return self.cv2(torch.cat([x] + [pool(x) for pool in self.m], 1))


class SPPF(nn.Module):
    def forward(self, x):
        outputs = [self.cv1(x)]
        for _ in range(3):
            outputs.append(self.m(outputs[-1]))
        return self.cv2(torch.cat(outputs, 1))


class MixConv2d(nn.Module):
    def forward(self, x):
        return x + self.act(self.bn(torch.cat([conv(x) for conv in self.m], 1)))


class Concat(nn.Module):
    def forward(self, inputs):
        return torch.cat(inputs, self.d)


class Detect(nn.Module):
    def forward(self, features):
        decoded = []
        for level, x in enumerate(features):
            if isinstance(self.anchor_grid, list):  # 7.0: convolutions inside, anchors in cells only
                x = self.m[level](x)
                anchors = (self.anchors[level] * self.stride[level]).reshape(1, self.na, 1, 1, 2)
            else:
                assert not self.export
                anchors = self.anchor_grid[level]
            images, _, height, width = x.shape
            y = x.reshape(images, self.na, self.no, height, width).permute(0, 1, 3, 4, 2).sigmoid()
            assert self.grid[level].shape[2:4] != y.shape[2:4], "grids are made by the head itself"
            rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            xy = (y[..., 0:2] * 2 - 0.5 + torch.stack((columns, rows), 2)) * self.stride[level]
            wh = (y[..., 2:4] * 2) ** 2 * anchors
            decoded.append(torch.cat((xy, wh, y[..., 4:]), 4).reshape(images, -1, self.no))
        assert self.nl == len(features) and self.no == self.nc + 5
        return torch.cat(decoded, 1)


class Model(nn.Module):
    def forward(self, x):
        outputs = []
        for module in self.model:
            if module.f != -1:
                x = outputs[module.f] if isinstance(module.f, int) else [x if j == -1 else outputs[j] for j in module.f]
            x = module(x)
            outputs.append(x if module.i in self.save else None)
        return x

    def fuse(self):
        for module in self.model.modules():
            if type(module) is not Conv:
                continue
            conv, bn = module.conv, module.bn
            assert conv.bias is None and conv.groups == 1
            factor = bn.weight / torch.sqrt(bn.running_var + bn.eps)
            fused = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding)
            fused.weight.data = conv.weight * factor.reshape(-1, 1, 1, 1)
            fused.bias.data = bn.bias - factor * bn.running_mean
            module.conv = fused
            delattr(module, "bn")
        return self


class DetectionModel(Model):
    def _apply(self, fn):  # 7.0 moves these along with the tensors
        super()._apply(fn)
        head = self.model[-1]
        head.stride = fn(head.stride)
        head.grid = list(map(fn, head.grid))
        head.anchor_grid = list(map(fn, head.anchor_grid))
        return self


def install_stand_ins():
    both = {"Conv": Conv, "Focus": Focus, "Bottleneck": Bottleneck, "BottleneckCSP": BottleneckCSP, "SPP": SPP, "Concat": Concat}
    paths = {
        "models": {},
        "models.common": {**both, "C3": C3, "SPPF": SPPF},
        "models.experimental": {"C3": CrossCSP, "CrossConv": CrossConv, "MixConv2d": MixConv2d},
        "models.yolo": {"Model": Model, "DetectionModel": DetectionModel, "Detect": Detect},
    }
    for path, classes in paths.items():
        sys.modules[path] = types.ModuleType(path)
        vars(sys.modules[path]).update(classes)
        for stand_in in classes.values():
            stand_in.__module__ = path


def check_attributes(checkpoint, model):
    assert checkpoint["epoch"] == -1 and checkpoint["optimizer"] is None, checkpoint.keys()
    names = model.names if isinstance(model.names, list) else [model.names[i] for i in range(len(model.names))]
    head = model.model[-1]
    assert len(names) == model.nc == head.nc == model.yaml["nc"], names
    assert torch.equal(model.stride, head.stride.to(model.stride)), head.stride
    assert len(model.model) == len(model.yaml["backbone"]) + len(model.yaml["head"])
    for i, layer in enumerate(model.model):
        assert layer.i == i and layer.np == sum(p.numel() for p in layer.parameters()), (i, layer.np)
    assert not any(p.requires_grad for p in model.parameters()) and not model.training


@torch.no_grad()
def load(path, vector, input_name, decoded_name, fuse):
    install_stand_ins()
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    model = (checkpoint.get("ema") or checkpoint["model"]).float()
    check_attributes(checkpoint, model)
    tensors = read_safetensors(vector)
    wanted = tensors[decoded_name]
    num_tensors = len(model.state_dict())
    for step in ("as loaded", "fused") if fuse else ("as loaded",):
        decoded = (model.fuse() if step == "fused" else model).eval()(tensors[input_name].float())
        assert decoded.shape == wanted.shape, decoded.shape
        error = float((decoded - wanted).abs().max() / wanted.abs().max())
        assert error <= 1e-4, f"{step}: predictions off by {error}"
    print(f"loads as {type(model).__module__}.{type(model).__name__}: {num_tensors} tensors, predictions off by {error:.1e}")


def describe(weights, yaml, output, names="a,b,c"):
    with open(weights, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    with open(yaml, encoding="utf-8") as file:
        header["__metadata__"] = {"format": "gannet", "version": "1", "model_yaml": file.read(), "names": json.dumps(names.split(","))}
    text = json.dumps(header).encode()
    with open(output, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    print("described:", len(header) - 1, "tensors")


if __name__ == "__main__":
    if sys.argv[1] == "describe":
        describe(*sys.argv[2:6])
    else:
        load(*sys.argv[2:6], fuse="--fuse" in sys.argv)
