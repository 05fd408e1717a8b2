"""The network that finds road users, in torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import onnx
import torch
from onnx import numpy_helper
from torch import nn


def _conv(source: int, target: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(source, target, 3, stride, 1, bias=False),
        nn.BatchNorm2d(target, momentum=0.03),
        nn.ReLU6(),
    )


class RoadUsers(nn.Module):
    """Four levels, merged downwards onto cells of 8 x 8 pixels; 1.3 GMAC at 960 x 512.

    The widest sees 480 pixels across: what is near fills half of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 16, 2), _conv(16, 24, 2))
        self.fine = nn.Sequential(_conv(24, 48, 2), _conv(48, 48), _conv(48, 48))
        self.middle = nn.Sequential(_conv(48, 64, 2), _conv(64, 64), _conv(64, 64))
        self.coarse = nn.Sequential(_conv(64, 96, 2), _conv(96, 96), _conv(96, 96))
        self.widest = nn.Sequential(_conv(96, 96, 2), _conv(96, 96))
        self.to_coarse = nn.Conv2d(96, 96, 1)
        self.to_middle, self.to_fine = nn.Conv2d(96, 64, 1), nn.Conv2d(64, 48, 1)
        self.merge_middle, self.merge_fine = _conv(64, 64), _conv(48, 48)
        self.heat = nn.Sequential(_conv(48, 32), nn.Conv2d(32, 3, 1))
        self.box = nn.Sequential(_conv(48, 32), nn.Conv2d(32, 4, 1))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        nn.init.zeros_(self.to_coarse.weight)
        nn.init.zeros_(self.to_coarse.bias)
        nn.init.constant_(self.heat[1].bias, -4.0)
        nn.init.constant_(self.box[1].bias, 1.0)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (N, 3, H/8, W/8) and log distances (N, 4, H/8, W/8) of images in 0..1, whose
        sides are multiples of 64."""
        fine = self.fine(self.stem(image))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        coarse = coarse + self.up(self.to_coarse(self.widest(coarse)))
        middle = self.merge_middle(middle + self.up(self.to_middle(coarse)))
        fine = self.merge_fine(fine + self.up(self.to_fine(middle)))
        return self.heat(fine), self.box(fine)


def take_over(net: RoadUsers, earlier: bytes, images: torch.Tensor) -> None:
    """Give `net` the weights of an exported float network, normalisations folded into them. New
    ones are set up so that on `images` they change nothing."""
    model = onnx.load_from_string(earlier)
    weights = {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}
    biases: dict[str, torch.Tensor] = {}
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        name = node.name.split("/")[-2]
        layer = net.get_submodule(name)
        assert isinstance(layer, nn.Conv2d)
        layer.weight.data.copy_(torch.from_numpy(weights[node.input[1]].copy()))
        bias = torch.from_numpy(weights[node.input[2]].copy())
        if layer.bias is None:
            biases[f"{name.removesuffix('0')}1"] = bias
        else:
            layer.bias.data.copy_(bias)
    with _set_up(net, biases), torch.no_grad():
        net.train()(images)


@contextmanager
def _set_up(net: RoadUsers, biases: dict[str, torch.Tensor]) -> Iterator[None]:
    """Within it every normalisation takes the spread and mean of what first comes to it."""

    def adopt(bias: torch.Tensor, norm: nn.Module, given: tuple[torch.Tensor]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        spread, mean = torch.var_mean(given[0], (0, 2, 3), correction=0)
        norm.weight.data.copy_((spread + norm.eps).sqrt())
        norm.bias.data.copy_(mean + bias)
        for kept, seen in ((norm.running_mean, mean), (norm.running_var, spread)):
            assert kept is not None
            kept.copy_(seen)

    hooks = [
        net.get_submodule(name).register_forward_pre_hook(partial(adopt, bias))
        for name, bias in biases.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
