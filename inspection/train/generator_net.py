"""The defect generator and its judge in torch.

Generator: a U-Net (Ronneberger et al. 2015) of three scales on 64 x 64 pixels, conditioned on the
defect's cover, kind and contrast, with noise as an input. Judge: strided convolutions with
spectral norm (Miyato et al. 2018) and a logit for every 8 x 8 pixels (Isola et al. 2017).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from inspection.generate.learned import NOISE

WIDTHS = (16, 32, 48)
REACH = 4.0  # normalised brightness that the last layer's unit stands for


def _maps(kind: torch.Tensor, contrast: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """(N, K + 1, H, W): kind (one-hot) and contrast, the same at every pixel."""
    told = torch.cat([kind, torch.log(contrast + 0.1)], 1)
    return told[:, :, None, None].expand(-1, -1, like.shape[2], like.shape[3])


class Generator(nn.Module):
    """Patch, cover (N, 1, 64, 64), kind (N, K), contrast (N, 1), noise (N, NOISE, 64, 64) to what
    the defect adds to the patch (N, 1, 64, 64)."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        a, b, c = WIDTHS
        self.first = nn.Conv2d(3 + kinds + NOISE, a, 3, padding=1)
        self.down1 = nn.Conv2d(a, b, 3, 2, padding=1)
        self.down2 = nn.Conv2d(b, c, 3, 2, padding=1)
        self.middle1 = nn.Conv2d(c, c, 3, padding=1)
        self.middle2 = nn.Conv2d(c, c, 3, padding=1)
        self.narrow2, self.up2 = nn.Conv2d(c, b, 1), nn.Conv2d(b, b, 3, padding=1)
        self.narrow1, self.up1 = nn.Conv2d(b, a, 1), nn.Conv2d(a, a, 3, padding=1)
        self.last = nn.Conv2d(a, 1, 3, padding=1)

    def forward(
        self,
        patch: torch.Tensor,
        cover: torch.Tensor,
        kind: torch.Tensor,
        contrast: torch.Tensor,
        noise: torch.Tensor,
    ) -> torch.Tensor:
        maps = _maps(kind, contrast, patch)
        x0 = _bent(self.first(torch.cat([_squeezed(patch), cover, maps, noise], 1)))
        x1 = _bent(self.down1(x0))
        x2 = _bent(self.down2(x1))
        x2 = x2 + _bent(self.middle2(_bent(self.middle1(x2))))
        x1 = x1 + functional.interpolate(self.narrow2(x2), scale_factor=2.0)
        x1 = x1 + _bent(self.up2(_bent(x1)))
        x0 = x0 + functional.interpolate(self.narrow1(x1), scale_factor=2.0)
        x0 = x0 + _bent(self.up1(_bent(x0)))
        residual: torch.Tensor = REACH * self.last(x0)
        return residual


class Judge(nn.Module):
    """Whether a patch with this cover, kind and contrast is real: logits (N, 1, 8, 8)."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(cin, cout, 4, 2, padding=1))
            for cin, cout in ((3 + kinds, 24), (24, 48), (48, 64))
        )
        self.last = spectral_norm(nn.Conv2d(64, 1, 3, padding=1))

    def forward(
        self,
        patch: torch.Tensor,
        cover: torch.Tensor,
        kind: torch.Tensor,
        contrast: torch.Tensor,
    ) -> torch.Tensor:
        x = torch.cat([_squeezed(patch), cover, _maps(kind, contrast, patch)], 1)
        for layer in self.layers:
            x = _bent(layer(x))
        logits: torch.Tensor = self.last(x)
        return logits


def _squeezed(x: torch.Tensor) -> torch.Tensor:
    """asinh, in operators that ONNX has a form of."""
    return torch.sign(x) * torch.log(x.abs() + torch.sqrt(x * x + 1))


def _bent(x: torch.Tensor) -> torch.Tensor:
    return functional.leaky_relu(x, 0.2)
