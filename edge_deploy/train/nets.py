"""The networks that the targets are checked with: small ones of the classes people deploy.

ResNet-8 is MLPerf Tiny's image classifier (Banbury et al. 2021), the inverted residuals are
MobileNetV2's (Sandler et al. 2018), and the detector is a centre-point head on a two-scale
backbone (Zhou et al. 2019). ReLU throughout: its clamp is free in uint8.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def block(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Module:
    """Convolution, batch norm, ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity, or beside a 1x1 where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = block(inputs, outputs, 3, stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.beside = (
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
            if stride > 1 or inputs != outputs
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(x)) + self.beside(x))


class ResNet8(nn.Module):
    """(N, channels, 32, 32) to (N, classes)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            block(channels, 16), Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2)
        )
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(nn.functional.adaptive_avg_pool2d(self.body(x), 1).flatten(1))


class Inverted(nn.Module):
    """Widen, filter each channel, narrow; beside the identity where the shape allows."""

    def __init__(self, inputs: int, outputs: int, stride: int, widen: int = 4) -> None:
        super().__init__()
        wide = inputs * widen
        self.body = nn.Sequential(
            block(inputs, wide, 1),
            block(wide, wide, 3, stride, wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.beside = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.beside else self.body(x)


class MobileNet(nn.Module):
    """(N, channels, 32, 32) to (N, classes)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            block(channels, 16, 3, 1),
            Inverted(16, 16, 1),
            Inverted(16, 24, 2),
            Inverted(24, 24, 1),
            Inverted(24, 40, 2),
            Inverted(40, 40, 1),
            block(40, 96, 1),
        )
        self.head = nn.Linear(96, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(nn.functional.adaptive_avg_pool2d(self.body(x), 1).flatten(1))


class Detector(nn.Module):
    """(N, 1, H, W) to a heat map and box sizes at a quarter of the size: (N, kinds + 2, H/4, W/4).

    Blocks of two by two become channels, two scales are joined by nearest upsampling.
    """

    def __init__(self, channels: int, kinds: int) -> None:
        super().__init__()
        self.first = block(channels, 4)
        self.stem = block(16, 16)
        self.pool = nn.MaxPool2d(2)
        self.fine = nn.Sequential(block(16, 32), block(32, 32))
        self.coarse = nn.Sequential(block(32, 48, 3, 2), block(48, 48), block(48, 32, 1))
        self.merge = block(64, 32)
        self.heat = nn.Conv2d(32, kinds, 1)
        self.size = nn.Conv2d(32, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(self.pool(self.stem(nn.functional.pixel_unshuffle(self.first(x), 2))))
        coarse = nn.functional.interpolate(self.coarse(fine), scale_factor=2.0, mode="nearest")
        merged = self.merge(torch.cat([fine, coarse], 1))
        return self.heat(merged), self.size(merged)


class UNet(nn.Module):
    """(N, 1, H, W) to class logits of every pixel (N, classes, H, W); H and W multiples of 8.

    Encoder and decoder joined at each scale (Ronneberger et al. 2015).
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.down = nn.ModuleList([block(channels, 8), block(8, 16), block(16, 32)])
        self.deep = block(32, 48)
        self.up = nn.ModuleList([block(48 + 32, 24), block(24 + 16, 16), block(16 + 8, 8)])
        self.head = nn.Conv2d(8, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        beside = []
        for step in self.down:
            x = step(x)
            beside.append(x)
            x = self.pool(x)
        x = self.deep(x)
        for step in self.up:
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = step(torch.cat([x, beside.pop()], 1))
        return self.head(x)
