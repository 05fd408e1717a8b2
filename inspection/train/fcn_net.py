"""The segmentation network in torch: pixel-unshuffle, then small and depthwise convolutions.

    frame 1 x H x W, 0..1
    unshuffle 4 and mix: one 4x4 convolution of stride 4      16 at H/4
    3x3, twice                                                16 at H/4
    3x3 of stride 2, depthwise block                          32 at H/8    skip
    depthwise block of stride 2, three depthwise blocks       48 at H/16
    1x1, nearest upsampling, plus the skip, depthwise block   32 at H/8
    1x1                                                        1 at H/8    logit

Dense 3x3 at 16 channels costs a CPU's int8 kernels no more than a depthwise and a 1x1 there. Every
layer is clamped, to [0, 6] or [-6, 6], so that 256 steps resolve a faint defect beside a glint.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

LIMIT = 6.0
STRIDE = 8  # pixels of the frame a cell of the logit map stands for


class Conv(nn.Module):
    """Convolution, batch normalisation where training, clamped to [0, 6] or [-6, 6]."""

    def __init__(
        self, cin: int, cout: int, size: int, stride: int = 1, groups: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, size, stride, size // 2 if size % 2 else 0, groups=groups)
        self.norm: nn.Module = nn.BatchNorm2d(cout)
        self.relu = relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.norm(self.conv(x))
        return y.clamp(0.0 if self.relu else -LIMIT, LIMIT)

    def fold(self) -> None:
        """The normalisation into the weights; for good."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = torch.nn.utils.fusion.fuse_conv_bn_eval(self.conv.eval(), self.norm.eval())
            self.norm = nn.Identity()


def block(cin: int, cout: int, stride: int = 1) -> nn.Sequential:
    """Depthwise 3x3 and 1x1 (Howard et al. 2017, arXiv:1704.04861)."""
    return nn.Sequential(Conv(cin, cin, 3, stride, groups=cin, relu=False), Conv(cin, cout, 1))


class Add(nn.Module):
    """A sum as a module of its own, so that its output can be observed."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + b


class Fcn(nn.Module):
    """(N, 1, H, W) in 0..1 -> logits (N, 1, H/8, W/8); H and W multiples of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(1, 16, 4, 4, relu=False)
        self.near = nn.Sequential(Conv(16, 16, 3), Conv(16, 16, 3))
        self.down = Conv(16, 32, 3, 2)
        self.fine = block(32, 32)
        self.wide = nn.Sequential(block(32, 48, 2), *(block(48, 48) for _ in range(3)))
        self.back = Conv(48, 32, 1)
        self.join = Add()
        self.merge = block(32, 32)
        self.head = nn.Conv2d(32, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = self.fine(self.down(self.near(self.stem(x))))
        context = nn.functional.interpolate(self.back(self.wide(skip)), scale_factor=2.0)
        logits: torch.Tensor = self.head(self.merge(self.join(skip, context)))
        return logits

    def fold(self) -> Fcn:
        """Normalisation folded into the weights, for export."""
        for module in self.modules():
            if isinstance(module, Conv):
                module.fold()
        return self.eval()

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Folded weights and biases by name, e.g. "wide.0.1.weight" (the layers' own names)."""
        return {
            name.replace(".conv.", "."): value.detach().numpy().astype(np.float32)
            for name, value in self.state_dict().items()
        }

    @classmethod
    def from_weights(cls, weights: Mapping[str, NDArray[np.float32]]) -> Fcn:
        """A folded network from `weights`, e.g. from the initialisers of the ONNX file."""
        net = cls().fold()
        names = {name.replace(".conv.", "."): name for name in net.state_dict()}
        net.load_state_dict({names[n]: torch.from_numpy(w.copy()) for n, w in weights.items()})
        return net


def parameters(net: nn.Module) -> int:
    """How many numbers were learned."""
    return sum(p.numel() for p in net.parameters())
