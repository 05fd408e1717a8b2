"""Quantisation in the loop: the folded network learns with the rounding it will run with.

Weights are rounded a channel (int8, symmetric), every tensor between layers to uint8 over a running
range, gradients pass straight through (Jacob et al. 2018, CVPR). Afterwards the weights stay on
their grid, so that fp32 and int8 files hold the same numbers. Weights take no more than 64 steps to
either side: two products with uint8 then fit into 16 bits, in which x86 without byte dot products
adds them (`common.runtime.products`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.utils import parametrize

from inspection.train.fcn_net import Add, Conv, Fcn

MOMENTUM = 0.02
WEIGHT_MAX = 64


class RoundedWeight(nn.Module):
    """The nearest weights on the int8 grid of each output channel."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        scale = weight.detach().abs().amax(dim=(1, 2, 3)).clamp(min=1e-8) / WEIGHT_MAX
        zero = torch.zeros_like(scale, dtype=torch.int32)
        rounded: torch.Tensor = torch.fake_quantize_per_channel_affine(
            weight, scale, zero, 0, -WEIGHT_MAX, WEIGHT_MAX
        )
        return rounded


class RoundedTensor:
    """A forward hook that rounds a layer's output to 256 steps over its running range."""

    def __init__(self) -> None:
        self.low = self.high = 0.0

    def __call__(self, module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        if module.training:
            low, high = (float(v) for v in output.detach().aminmax())
            first = self.high == self.low
            self.low += (min(low, 0.0) - self.low) * (1.0 if first else MOMENTUM)
            self.high += (max(high, 0.0) - self.high) * (1.0 if first else MOMENTUM)
        scale = max(self.high - self.low, 1e-6) / 255
        zero = round(-self.low / scale)
        rounded: torch.Tensor = torch.fake_quantize_per_tensor_affine(output, scale, zero, 0, 255)
        return rounded


@contextmanager
def rounding(net: Fcn) -> Iterator[None]:
    """Within it, the folded `net` runs rounded; after it, its weights lie on their grid."""
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    points = [m for m in net.modules() if isinstance(m, Conv | Add) or m is net.head]
    hooks = [point.register_forward_hook(RoundedTensor()) for point in points]
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", RoundedWeight())
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for layer in layers:
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
