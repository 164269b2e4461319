"""The yardstick for gannet's training step: the same YOLOv5 of July 2020, its loss and its update,
written as usual eager PyTorch and timed on synthetic data. Prints one line of JSON a layout:

    yardstick.py --model s --batch 64 --precision fp16 --layout contiguous,channels_last

step_ms is the median over blocks of five steps, with the device awaited only at their ends;
images_per_second follows from it. peak_gib is the most that tensors took on the device during the
timed steps; loss is that of the last step, per image. fp32 leaves PyTorch's TF32 settings alone.
"""
import argparse
import copy
import gc
import json
import math
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

NUM_CLASSES = 80
STRIDES = (32, 16, 8)
ANCHORS_PX = (
    ((116, 90), (156, 198), (373, 326)),
    ((30, 61), (62, 45), (59, 119)),
    ((10, 13), (16, 30), (33, 23)),
)
ANCHORS_PER_LEVEL = 3
VALUES_PER_ANCHOR = NUM_CLASSES + 5
MULTIPLES = {"s": (0.33, 0.50), "l": (1.0, 1.0)}  # depth, width

BOX_GAIN, OBJECTNESS_GAIN, CLASS_GAIN = 0.05, 1.0, 0.58
ANCHOR_THRESHOLD = 4.0

LEARNING_RATE = 1e-4  # as early in a warm-up: the loss stays finite without a schedule
MOMENTUM, WEIGHT_DECAY = 0.937, 5e-4
TARGETS_PER_IMAGE = 8
STEPS_PER_BLOCK = 5
SMALLEST_BATCH, LARGEST_BATCH = 16, 1024  # where the search for the largest that fits starts, ends

PRECISIONS = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


# The network. Children are named as in the original's checkpoints.


def batch_norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-4, momentum=0.03)


def leaky_relu(x):
    return F.leaky_relu(x, 0.1, inplace=True)


class Conv(nn.Module):
    def __init__(self, c_in, c_out, kernel=1, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
        self.bn = batch_norm(c_out)

    def forward(self, x):
        return leaky_relu(self.bn(self.conv(x)))


class Focus(nn.Module):
    """Every second pixel of every second row: four small images stacked as channels."""

    def __init__(self, c_in, c_out, kernel):
        super().__init__()
        self.conv = Conv(4 * c_in, c_out, kernel)

    def forward(self, x):
        phases = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.conv(torch.cat(phases, 1))


class Bottleneck(nn.Module):
    def __init__(self, channels, shortcut):
        super().__init__()
        self.shortcut = shortcut
        self.cv1 = Conv(channels, channels)
        self.cv2 = Conv(channels, channels, 3)

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class BottleneckCSP(nn.Module):
    def __init__(self, c_in, c_out, repeats, shortcut=True):
        super().__init__()
        hidden = c_out // 2
        self.cv1 = Conv(c_in, hidden)
        self.cv2 = nn.Conv2d(c_in, hidden, 1, bias=False)
        self.cv3 = nn.Conv2d(hidden, hidden, 1, bias=False)
        self.cv4 = Conv(2 * hidden, c_out)
        self.bn = batch_norm(2 * hidden)
        self.m = nn.Sequential(*(Bottleneck(hidden, shortcut) for _ in range(repeats)))

    def forward(self, x):
        joined = torch.cat((self.cv3(self.m(self.cv1(x))), self.cv2(x)), 1)
        return self.cv4(leaky_relu(self.bn(joined)))


class SPP(nn.Module):
    def __init__(self, c_in, c_out, kernels):
        super().__init__()
        hidden = c_in // 2
        self.cv1 = Conv(c_in, hidden)
        self.cv2 = Conv(hidden * (len(kernels) + 1), c_out)
        self.kernels = kernels

    def forward(self, x):
        x = self.cv1(x)
        pooled = [F.max_pool2d(x, kernel, 1, kernel // 2) for kernel in self.kernels]
        return self.cv2(torch.cat((x, *pooled), 1))


class Upsample(nn.Module):
    def forward(self, x):
        return F.interpolate(x, scale_factor=2, mode="nearest")


class Concat(nn.Module):
    def forward(self, *inputs):
        return torch.cat(inputs, 1)


class Head(nn.Conv2d):
    def __init__(self, c_in):
        super().__init__(c_in, ANCHORS_PER_LEVEL * VALUES_PER_ANCHOR, 1)

    def offset_biases(self, stride):
        """Starts from few objects (eight in 640 px) of evenly rare classes."""
        with torch.no_grad():
            bias = self.bias.view(ANCHORS_PER_LEVEL, VALUES_PER_ANCHOR)
            bias[:, 4] += math.log(8 / (640 / stride) ** 2)
            bias[:, 5:] += math.log(0.6 / (NUM_CLASSES - 0.99))


class Detect(nn.Module):
    """Views each level as (batch, anchor, row, column, value)."""

    def __init__(self):
        super().__init__()
        strides = torch.tensor(STRIDES).view(-1, 1, 1)
        self.register_buffer("anchors", torch.tensor(ANCHORS_PX) / strides)  # in cells

    def forward(self, *levels):
        shape = (ANCHORS_PER_LEVEL, VALUES_PER_ANCHOR)
        return [x.unflatten(1, shape).permute(0, 1, 3, 4, 2) for x in levels]


# Sources (negative: counted back), block, then for blocks that change channels: output channels
# before the width multiple, and further arguments. The first of a CSP block are its repeats.
GRAPH = (
    ((-1,), Focus, 64, 3),
    ((-1,), Conv, 128, 3, 2),
    ((-1,), BottleneckCSP, 128, 3),
    ((-1,), Conv, 256, 3, 2),
    ((-1,), BottleneckCSP, 256, 9),  # 4
    ((-1,), Conv, 512, 3, 2),
    ((-1,), BottleneckCSP, 512, 9),  # 6
    ((-1,), Conv, 1024, 3, 2),
    ((-1,), SPP, 1024, (5, 9, 13)),
    ((-1,), BottleneckCSP, 1024, 3, False),
    ((-1,), Conv, 512),  # 10
    ((-1,), Upsample),
    ((-1, 6), Concat),
    ((-1,), BottleneckCSP, 512, 3, False),
    ((-1,), Conv, 256),  # 14
    ((-1,), Upsample),
    ((-1, 4), Concat),
    ((-1,), BottleneckCSP, 256, 3, False),
    ((-1,), Head),  # 18, stride 8
    ((-2,), Conv, 256, 3, 2),
    ((-1, 14), Concat),
    ((-1,), BottleneckCSP, 512, 3, False),
    ((-1,), Head),  # 22, stride 16
    ((-2,), Conv, 512, 3, 2),
    ((-1, 10), Concat),
    ((-1,), BottleneckCSP, 1024, 3, False),
    ((-1,), Head),  # 26, stride 32
    ((26, 22, 18), Detect),
)


class Detector(nn.Module):
    def __init__(self, depth, width):
        super().__init__()
        self.model = nn.ModuleList()
        self.sources = []
        channels = {-1: 3}  # by layer; -1 is the image
        for index, (sources, block, *arguments) in enumerate(GRAPH):
            sources = [source if source >= 0 else index + source for source in sources]
            c_in = c_out = sum(channels[source] for source in sources)
            if block is Head:
                layer = Head(c_in)
            elif arguments:
                c_out = math.ceil(arguments[0] * width / 8) * 8
                further = arguments[1:]
                if block is BottleneckCSP:
                    further[0] = max(round(further[0] * depth), 1)
                layer = block(c_in, c_out, *further)
            else:
                layer = block()
            channels[index] = c_out
            self.model.append(layer)
            self.sources.append(sources)
        last_use = {s: index for index, sources in enumerate(self.sources) for s in sources}
        self.expired = [
            [source for source, last in last_use.items() if last == index]
            for index in range(len(GRAPH))
        ]
        for source, stride in zip(self.sources[-1], STRIDES):
            self.model[source].offset_biases(stride)

    def forward(self, images):
        outputs = {-1: images}
        for index, layer in enumerate(self.model):
            outputs[index] = layer(*(outputs[source] for source in self.sources[index]))
            for source in self.expired[index]:
                del outputs[source]
        return outputs[len(self.model) - 1]


# The loss.


def paired_giou(a, b):
    """GIoU of paired (x, y, width, height) boxes."""
    a_low, a_high = a[:, :2] - a[:, 2:] / 2, a[:, :2] + a[:, 2:] / 2
    b_low, b_high = b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2
    shared = torch.minimum(a_high, b_high) - torch.maximum(a_low, b_low)
    intersection = shared.clamp(min=0).prod(1)
    union = a[:, 2:].prod(1) + 1e-16 + b[:, 2:].prod(1) - intersection
    enclosing = (torch.maximum(a_high, b_high) - torch.minimum(a_low, b_low)).prod(1) + 1e-16
    return intersection / union - (enclosing - union) / enclosing


class DetectionLoss(nn.Module):
    """The loss of raw outputs for (image, class, x, y, width, height) targets, times the batch."""

    def __init__(self, anchors, image_size):
        super().__init__()
        self.register_buffer("anchors", anchors)
        self.register_buffer("grids", torch.tensor([[image_size // s] * 2 for s in STRIDES]))
        offsets = ((0, 0), (0.5, 0), (0, 0.5), (-0.5, 0), (0, -0.5))
        self.register_buffer("offsets", torch.tensor(offsets))

    def assign(self, targets, anchors, grid):
        """The cells and anchors that answer for each target, with its class and box in cells."""
        xy, wh = targets[:, 2:4] * grid, targets[:, 4:6] * grid
        ratio = wh / anchors[:, None]
        fits = torch.maximum(ratio, 1 / ratio).amax(2) < ANCHOR_THRESHOLD
        anchor, target = fits.nonzero(as_tuple=True)

        # Each match counts in its own cell and in the neighbour that its centre is near, per axis.
        xy = xy[target]
        fraction = xy % 1
        low = (fraction < 0.5) & (xy > 1)
        high = (fraction > 0.5) & (xy < grid - 1)
        own = torch.ones_like(low[:, :1])
        which, match = torch.cat((own, low, high), 1).T.nonzero(as_tuple=True)
        anchor, target, xy = anchor[match], target[match], xy[match]

        cell = torch.minimum((xy - self.offsets[which]).long(), grid - 1)
        column, row = cell.unbind(1)
        image, class_id = targets[target, :2].long().unbind(1)
        box = torch.cat((xy - cell, wh[target]), 1)
        return (image, anchor, row, column), class_id, box, anchors[anchor]

    def forward(self, raw, targets):
        box_loss = objectness_loss = class_loss = 0
        for level, anchors, grid in zip(raw, self.anchors, self.grids):
            cells, class_id, box, matched_anchors = self.assign(targets, anchors, grid)
            objectness = level[..., 4].float()
            objectness_target = torch.zeros_like(objectness)
            if len(class_id) > 0:
                matched = level[cells].float()
                xy = matched[:, :2].sigmoid() * 2 - 0.5
                wh = (matched[:, 2:4].sigmoid() * 2) ** 2 * matched_anchors
                giou = paired_giou(torch.cat((xy, wh), 1), box)
                box_loss = box_loss + (1 - giou).mean()
                objectness_target[cells] = giou.detach().clamp(min=0)
                one_hot = F.one_hot(class_id, NUM_CLASSES).float()
                class_loss = class_loss + F.binary_cross_entropy_with_logits(
                    matched[:, 5:], one_hot)
            objectness_loss = objectness_loss + F.binary_cross_entropy_with_logits(
                objectness, objectness_target)
        loss = BOX_GAIN * box_loss + OBJECTNESS_GAIN * objectness_loss + CLASS_GAIN * class_loss
        return loss * len(raw[0])


# Training.


class Average:
    """The exponential moving average of a model's floating state."""

    def __init__(self, model):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.averages = self.floating_state(self.model)
        self.values = self.floating_state(model)
        self.updates = 0

    @staticmethod
    def floating_state(model):
        return [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]

    def update(self):
        self.updates += 1
        decay = 0.9999 * (1 - math.exp(-self.updates / 2000))
        torch._foreach_lerp_(self.averages, self.values, 1 - decay)


def make_optimizer(model):
    norm_weights, weights, biases = [], [], []
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if name == "bias":
                biases.append(parameter)
            elif isinstance(module, nn.BatchNorm2d):
                norm_weights.append(parameter)
            else:
                weights.append(parameter)
    groups = [
        {"params": norm_weights},
        {"params": weights, "weight_decay": WEIGHT_DECAY},
        {"params": biases},
    ]
    return torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True)


def synthetic_batch(batch, size):
    """uint8 images, and targets whose boxes lie inside them."""
    images = torch.randint(256, (batch, 3, size, size), dtype=torch.uint8)
    count = batch * TARGETS_PER_IMAGE
    image = torch.arange(batch).repeat_interleave(TARGETS_PER_IMAGE)[:, None]
    class_id = torch.randint(NUM_CLASSES, (count, 1))
    wh = 0.02 + 0.48 * torch.rand(count, 2)
    xy = wh / 2 + (1 - wh) * torch.rand(count, 2)
    return images, torch.cat((image, class_id, xy, wh), 1)


class Trainer:
    def __init__(self, options, layout, batch):
        torch.manual_seed(0)
        self.device = options.device
        self.layout = LAYOUTS[layout]
        self.precision = PRECISIONS[options.precision]
        model = Detector(*MULTIPLES[options.model])
        self.model = model.to(self.device, memory_format=self.layout).train()
        self.loss = DetectionLoss(model.model[-1].anchors, options.size).to(self.device)
        self.optimizer = make_optimizer(self.model)
        # A scale low enough for the summed loss of a large batch, so that no step is skipped.
        self.scaler = torch.amp.GradScaler(
            self.device, init_scale=2.0**10, enabled=options.precision == "fp16")
        self.average = Average(self.model)
        self.images, self.targets = synthetic_batch(batch, options.size)
        if self.device == "cuda":
            self.images, self.targets = self.images.pin_memory(), self.targets.pin_memory()

    def step(self):
        """@return the loss, not yet awaited"""
        images = self.images.to(self.device, non_blocking=True)
        images = images.to(torch.float32, memory_format=self.layout).div_(255)
        targets = self.targets.to(self.device, non_blocking=True)
        half = self.precision != torch.float32
        with torch.autocast(self.device, self.precision, enabled=half):
            raw = self.model(images)
        loss = self.loss(raw, targets)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update()
        return loss.detach()


# Measurement.


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def release_memory(device):
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


def is_out_of_memory(error):
    # cuDNN finds no engine where none of its workspaces fits.
    signs = ("out of memory", "ALLOC_FAILED", "unable to find an engine")
    return any(sign in str(error) for sign in signs)


def fits(options, layout, batch):
    release_memory(options.device)
    try:
        trainer = Trainer(options, layout, batch)
        for _ in range(2):
            trainer.step()
        synchronize(options.device)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def largest_batch(options, layout):
    batch = SMALLEST_BATCH
    while batch < LARGEST_BATCH and fits(options, layout, 2 * batch):
        batch *= 2
    return batch


def measure(options, layout, batch):
    trainer = Trainer(options, layout, batch)
    for _ in range(options.warmup):
        trainer.step()
    synchronize(options.device)
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    block_seconds = []
    for _ in range(math.ceil(options.steps / STEPS_PER_BLOCK)):
        start = time.perf_counter()
        for _ in range(STEPS_PER_BLOCK):
            loss = trainer.step()
        synchronize(options.device)
        block_seconds.append(time.perf_counter() - start)
    step_seconds = statistics.median(block_seconds) / STEPS_PER_BLOCK
    on_cuda = options.device == "cuda"
    return {
        "images_per_second": round(batch / step_seconds, 2),
        "step_ms": round(step_seconds * 1000, 3),
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 3) if on_cuda else None,
        "loss": round(loss.item() / batch, 6),
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
    }


def report(options, layout):
    batch = options.batch or largest_batch(options, layout)
    release_memory(options.device)
    try:
        result = measure(options, layout, batch)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        result = {"error": "out of memory"}
    setting = {
        "program": "eager",
        "model": options.model,
        "batch": batch,
        "precision": options.precision,
        "layout": layout,
    }
    print(json.dumps(setting | result), flush=True)


def layout_names(text):
    names = text.split(",")
    if not set(names) <= LAYOUTS.keys():
        raise argparse.ArgumentTypeError(f"'{text}' is not of {', '.join(LAYOUTS)}")
    return names


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MULTIPLES, default="s")
    parser.add_argument("--batch", type=int, default=16,
                        help="images a step; 0: the largest power of two that fits")
    parser.add_argument("--size", type=int, default=640, help="side of the images in px")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp16")
    parser.add_argument("--layout", type=layout_names, default="contiguous",
                        help="contiguous, channels_last, or both with a comma between")
    parser.add_argument("--steps", type=int, default=50, help="rounded up to whole blocks")
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    options = parser.parse_args()
    if options.size % max(STRIDES):
        parser.error(f"--size must be a multiple of {max(STRIDES)}")
    if options.batch == 0 and options.device == "cpu":
        parser.error("--batch 0 needs a GPU, whose memory it fills")
    torch.backends.cudnn.benchmark = True
    for layout in options.layout:
        report(options, layout)


if __name__ == "__main__":
    main()
