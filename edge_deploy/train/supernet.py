"""One network that holds every architecture of the search space: its weights are shared.

A subnet takes the first channels and blocks of the largest network (Cai et al. 2020; Yu and Huang
2019 for the training: largest, smallest and some between at each step). Batch norms have no running
statistics: a subnet is always judged on a whole set at once, by that set's own.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edge_deploy.search.data import Labelled
from edge_deploy.search.space import DEPTHS, KINDS, STEM, STRIDES, WIDTHS, Architecture, Stage
from edge_deploy.train.export import export
from edge_deploy.train.nets import block

U8 = NDArray[np.uint8]

BATCH, RATE, BETWEEN = 48, 4e-3, 2
MOVE_PX = 2  # pictures are moved by up to this much


class Shared(nn.Module):
    """Stem, blocks by stage, place and kind at their greatest width, linear layer."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = _Layer(1, STEM, 3)
        self.blocks = nn.ModuleDict()
        inputs = STEM
        for at, widths in enumerate(WIDTHS):
            most = max(widths)
            for place in range(max(DEPTHS)):
                wide = max(inputs, most) if place else inputs
                self.blocks[f"{at}-{place}-dense"] = _Layer(wide, most, 3)
                self.blocks[f"{at}-{place}-separable"] = nn.ModuleList(
                    [_Layer(1, wide, 3), _Layer(wide, most, 1)]
                )
            inputs = most
        self.head = nn.Linear(inputs, classes)

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        x = self.stem(x, STEM, 2)
        for at, place, channels, stride, stage in architecture.blocks():
            own = self.blocks[f"{at}-{place}-{stage.kind}"]
            if stage.kind == "dense":
                x = own(x, stage.width, stride)
            else:
                x = own[1](own[0](x, channels, stride, channels), stage.width, 1)
        pooled = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return functional.linear(pooled, self.head.weight[:, : pooled.shape[1]], self.head.bias)


class _Layer(nn.Module):
    """Convolution, batch norm and ReLU, of which the first channels are taken."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="relu")
        self.scale, self.shift = (
            nn.Parameter(torch.ones(outputs)),
            nn.Parameter(torch.zeros(outputs)),
        )

    def forward(self, x: Tensor, outputs: int, stride: int, groups: int = 1) -> Tensor:
        weight = self.weight[:outputs, : x.shape[1] // groups]
        x = functional.conv2d(x, weight, None, stride, weight.shape[-1] // 2, 1, groups)
        normed = functional.batch_norm(
            x, None, None, self.scale[:outputs], self.shift[:outputs], training=True
        )
        return functional.relu(normed)


class Subnet(nn.Module):
    """One architecture by itself, with the supernet's weights to begin with."""

    def __init__(self, shared: Shared, architecture: Architecture) -> None:
        super().__init__()
        layers: list[nn.Module] = [_copied(shared.stem, 1, STEM, 2)]
        for at, place, channels, stride, stage in architecture.blocks():
            own = shared.blocks[f"{at}-{place}-{stage.kind}"]
            if stage.kind == "dense":
                layers.append(_copied(own, channels, stage.width, stride))
            else:
                layers.append(_copied(own[0], channels, channels, stride, channels))
                layers.append(_copied(own[1], channels, stage.width, 1))
        self.body = nn.Sequential(*layers)
        last = architecture.stages[-1].width
        self.head = nn.Linear(last, shared.head.out_features)
        self.head.load_state_dict(
            {"weight": shared.head.weight[:, :last], "bias": shared.head.bias}
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.adaptive_avg_pool2d(self.body(x), 1).flatten(1))


def _copied(layer: nn.Module, inputs: int, outputs: int, stride: int, groups: int = 1) -> nn.Module:
    assert isinstance(layer, _Layer)
    made = block(inputs, outputs, layer.weight.shape[-1], stride, groups)
    with torch.no_grad():
        made[0].weight.copy_(layer.weight[:outputs, : inputs // groups])
        made[1].weight.copy_(layer.scale[:outputs])
        made[1].bias.copy_(layer.shift[:outputs])
    return made


def learn_shared(data: Labelled, steps: int, seed: int) -> Shared:
    """The supernet, trained on the learning part of `data`."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    net = Shared(data.classes)
    ends = [
        Architecture(tuple(Stage(pick(widths), pick(DEPTHS), kind) for widths in WIDTHS))
        for pick, kind in zip((max, min), KINDS, strict=True)
    ]

    def loss(pictures: Tensor, labels: Tensor) -> Tensor:
        some = [*ends, *(_drawn(rng) for _ in range(BETWEEN))]
        each = [functional.cross_entropy(net(pictures, one), labels) for one in some]
        return torch.stack(each).mean()

    _descend(list(net.parameters()), loss, data, steps, rng, RATE)
    return net


def error(net: Shared, architecture: Architecture, data: Labelled) -> float:
    """Share of the validation part that a subnet names wrongly."""
    with torch.no_grad():
        found = net(_floats(data.asked), architecture).argmax(1).numpy()
    return float((found != data.wanted).mean())


def learn_alone(
    net: Shared, architecture: Architecture, data: Labelled, steps: int, seed: int
) -> bytes:
    """ONNX of an architecture that went on learning by itself from the supernet's weights."""
    rng = np.random.default_rng(seed)
    alone = Subnet(net, architecture).train()

    def loss(pictures: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(alone(pictures), labels)

    _descend(list(alone.parameters()), loss, data, steps, rng, RATE / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter, about its successor
        return export(alone, (1, *data.learned.shape[1:]), ("logits",))


def _descend(
    parameters: list[nn.Parameter],
    loss: object,
    data: Labelled,
    steps: int,
    rng: np.random.Generator,
    rate: float,
) -> None:
    optimiser = torch.optim.AdamW(parameters, rate, weight_decay=1e-3)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (0.51 + 0.49 * math.cos(math.pi * step / steps))
        chosen = rng.integers(0, len(data.learned), BATCH)
        moved = np.stack([_moved(data.learned[at], rng) for at in chosen])
        value = loss(_floats(moved), torch.from_numpy(data.labels[chosen]))  # type: ignore[operator]
        optimiser.zero_grad()
        value.backward()
        optimiser.step()


def _drawn(rng: np.random.Generator) -> Architecture:
    return Architecture(
        tuple(
            Stage(int(rng.choice(widths)), int(rng.choice(DEPTHS)), KINDS[rng.integers(len(KINDS))])
            for widths in WIDTHS[: len(STRIDES)]
        )
    )


def _moved(picture: U8, rng: np.random.Generator) -> U8:
    return np.roll(picture, tuple(rng.integers(-MOVE_PX, MOVE_PX + 1, 2)), (0, 1))


def _floats(pictures: U8 | Sequence[U8]) -> Tensor:
    return torch.from_numpy(np.asarray(pictures)[:, None].astype(np.float32) / 255)
