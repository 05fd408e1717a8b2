"""The network that finds road users, in torch."""

from __future__ import annotations

import torch
from torch import nn


def _conv(source: int, target: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(source, target, 3, stride, 1, bias=False),
        nn.BatchNorm2d(target, momentum=0.03),
        nn.ReLU6(),
    )


class RoadUsers(nn.Module):
    """Three levels, merged downwards onto cells of 8 x 8 pixels; 0.6 GMAC at 640 x 352."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 16, 2), _conv(16, 24, 2))
        self.fine = nn.Sequential(_conv(24, 48, 2), _conv(48, 48), _conv(48, 48))
        self.middle = nn.Sequential(_conv(48, 64, 2), _conv(64, 64), _conv(64, 64))
        self.coarse = nn.Sequential(_conv(64, 96, 2), _conv(96, 96), _conv(96, 96))
        self.to_middle, self.to_fine = nn.Conv2d(96, 64, 1), nn.Conv2d(64, 48, 1)
        self.merge_middle, self.merge_fine = _conv(64, 64), _conv(48, 48)
        self.heat = nn.Sequential(_conv(48, 32), nn.Conv2d(32, 3, 1))
        self.box = nn.Sequential(_conv(48, 32), nn.Conv2d(32, 4, 1))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        nn.init.constant_(self.heat[1].bias, -4.0)
        nn.init.constant_(self.box[1].bias, 1.0)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (N, 3, H/8, W/8) and log distances (N, 4, H/8, W/8) of images in 0..1."""
        fine = self.fine(self.stem(image))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.merge_middle(middle + self.up(self.to_middle(coarse)))
        fine = self.merge_fine(fine + self.up(self.to_fine(middle)))
        return self.heat(fine), self.box(fine)
