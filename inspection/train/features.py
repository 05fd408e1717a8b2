"""The feature net: a fixed multi-scale bank of filters, exported as ONNX.

Nothing in it is learned, so it owes nothing to any data: derivatives of Gaussians (Koenderink and
van Doorn 1987), principal curvatures (Lindeberg 1998), line integrals in eight directions, and
energies of texture in windows of several sizes (Laws 1980), each at several octaves. What a part
looks like in these terms is what `inspection.methods.anomaly` learns at teaching.

    python -m inspection.train.features inspection/weights
"""

from __future__ import annotations

import io
import sys
import warnings
from math import pi
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from common.runtime.manifest import NAME, parse_manifest
from common.runtime.publish import card_of, write_manifest
from inspection.models.features import SHIPPED, FeatureBank

STRIDE = 4
OCTAVES = 5
CLIP = 8.0
TOLERANCE = 1e-3  # of features whose range is about 10
ORIENTATIONS = 8
_FLOOR = 0.02  # of contrast in log brightness: about a grey level of sensor noise


class FeatureNet(nn.Module):
    """(1, 1, H, W) grey values 0..255, H and W multiples of 16 -> (1, V, H/4, W/4) maps of cells
    and (1, K + 1) values of the image: `inspection.models.lean` says how the features follow."""

    def __init__(self) -> None:
        super().__init__()
        for index in range(3):
            cell = max(1, STRIDE >> index)
            self.register_buffer(f"shapes_{index}", _per_cell(_derivatives(), cell))
            if index:
                self.register_buffer(f"lines_{index}", _per_cell(_lines(), cell))

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        level = torch.log(1 + grey / 8)
        z, spread = _normalised(level)
        octaves = [z]
        for _ in range(OCTAVES - 1):
            octaves.append(F.avg_pool2d(octaves[-1], 2))
        features: list[Tensor] = []
        energies: list[Tensor] = []
        for index, octave in enumerate(octaves):
            g = _cells(octave, self._buffer("shapes", min(index, 2)), 6, STRIDE >> index)
            features += _extremes(g) if index < 2 else [_enlarged(_shapes(g)[:, :, 0], index - 2)]
            if index < 3:
                energies.append(g.abs().mean(2)[:, :4])
            if index in (1, 2):
                response = _cells(octave, self._buffer("lines", index), 8, STRIDE >> index)
                features += [
                    response.flatten(1, 2).amax(1, True),
                    response.flatten(1, 2).amin(1, True),
                ]
        energy = torch.cat(energies, 1)
        features += [*_light(F.avg_pool2d(level, STRIDE)), *_place(octaves[2]), *_windows(energy)]
        own = torch.cat([energy.mean((2, 3)) + _FLOOR, spread[..., 0, 0]], 1)
        return torch.cat(features, 1), torch.log(own)

    def _buffer(self, name: str, index: int) -> Tensor:
        return self.get_buffer(f"{name}_{index}")


def _normalised(level: Tensor) -> tuple[Tensor, Tensor]:
    """Log brightness less its slow part, in units of the image's own mean contrast."""
    coarse = F.avg_pool2d(level, 8)
    detail = level - _enlarged(_smooth(_smooth(coarse, 3), 5), 3)
    spread = detail.abs().mean((2, 3), keepdim=True) * 1.25 + _FLOOR
    return torch.clamp(detail / spread, -CLIP, CLIP), spread


def _cells(octave: Tensor, kernel: Tensor, maps: int, cell: int) -> Tensor:
    """Filter responses by cell: (1, maps, cell * cell, h, w). One strided convolution with many
    outputs costs a third of a dense one with few, and the extremes of a cell lie together."""
    cell = max(1, cell)
    margin = (kernel.shape[-1] - cell + 1) // 2
    padded = F.pad(octave, (margin, margin, margin, margin), mode="reflect")
    return F.conv2d(padded, kernel, stride=cell).unflatten(1, (maps, cell * cell))


def _shapes(g: Tensor) -> Tensor:
    """Slopes, curvatures along the axes, the two principal curvatures, and the value itself."""
    slopes, gxx, gyy, gxy, value = g.split([2, 1, 1, 1, 1], 1)
    return torch.cat([slopes, gxx, gyy, *_principal(gxx, gyy, gxy), value], 1)


def _principal(gxx: Tensor, gyy: Tensor, gxy: Tensor) -> tuple[Tensor, Tensor]:
    """The larger and the smaller curvature."""
    mean, half = (gxx + gyy) * 0.5, (gxx - gyy) * 0.5
    root = torch.sqrt(half * half + gxy * gxy + 1e-8)
    return mean + root, mean - root


def _extremes(g: Tensor) -> list[Tensor]:
    """The greatest and the least of each of the `_shapes` in a cell, which are never put together
    pixel by pixel: at the finest octaves that takes longer than they take to compute."""
    large, small = _principal(*g.split([2, 1, 1, 1, 1], 1)[1:4])
    ends = [(g.amax(2), large.amax(2), small.amax(2)), (g.amin(2), large.amin(2), small.amin(2))]
    extremes = []
    for of_g, *others in ends:
        axes, _, value = of_g.split([4, 1, 1], 1)
        extremes.append(torch.cat([axes, *others, value], 1))
    return extremes


def _enlarged(maps: Tensor, octaves: int) -> Tensor:
    if octaves < 1:
        return maps
    return F.interpolate(maps, scale_factor=2.0**octaves, mode="bilinear", align_corners=False)


def _smooth(x: Tensor, size: int) -> Tensor:
    """A box mean over what lies inside the image, along one axis and then the other."""
    half = size // 2
    rows = F.avg_pool2d(x, (size, 1), 1, (half, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, size), 1, (0, half), count_include_pad=False)


def _light(level: Tensor) -> list[Tensor]:
    """Brightness in three windows against the image's own."""
    middle = level.mean((2, 3), keepdim=True)
    return [level - middle, _smooth(level, 5) - middle, _smooth(level, 17) - middle]


def _windows(energies: Tensor) -> list[Tensor]:
    """Texture energies in three windows, those last that are told against the image's own too."""
    coarse = F.avg_pool2d(energies, 4)
    far = [_enlarged(torch.log(_smooth(coarse, size) + _FLOOR), 2) for size in (3, 7)]
    return [torch.log(_smooth(energies, 3) + _FLOOR), *far]


def _place(like: Tensor) -> list[Tensor]:
    """Nearness of the image's border at two distances."""
    ones = torch.ones_like(like)
    return [1 - F.avg_pool2d(ones, size, 1, size // 2) for size in (5, 17)]


def _derivatives(sigma: float = 0.9) -> NDArray[np.float64]:
    """(6, 5, 5): gx, gy, gxx, gyy, gxy, scale-normalised, and the Gaussian itself."""
    x = np.arange(-2.0, 3.0)
    g0 = np.exp(-x * x / (2 * sigma * sigma))
    g0 /= g0.sum()
    g1, g2 = -x / sigma * g0, (x * x / sigma**2 - 1) * g0
    g2 -= g2.mean()
    pairs = [(g0, g1), (g1, g0), (g0, g2), (g2, g0), (g1, g1), (g0, g0)]
    return np.stack([np.outer(rows, columns) for rows, columns in pairs])


def _lines(across: float = 1.0, along: float = 3.0, radius: int = 5) -> NDArray[np.float64]:
    """(8, 11, 11): second derivative across a line, summed along it, in eight directions."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
    bank = []
    for step in range(ORIENTATIONS):
        angle = pi * step / ORIENTATIONS
        u = x * np.cos(angle) + y * np.sin(angle)
        v = -x * np.sin(angle) + y * np.cos(angle)
        kernel = (v * v / across**2 - 1) * np.exp(-((v / across) ** 2) / 2 - (u / along) ** 2 / 2)
        kernel -= kernel.mean()
        bank.append(kernel / np.sqrt((kernel**2).sum()))
    return np.stack(bank)


def _per_cell(bank: NDArray[np.float64], cell: int) -> Tensor:
    """The (K, s, s) bank as one convolution of stride `cell`: weights (K * cell * cell, 1, n, n),
    n = s + cell - 1; output (k * cell + y) * cell + x is filter k at pixel (y, x) of a cell."""
    count, size, _ = bank.shape
    kernel = np.zeros((count, cell, cell, size + cell - 1, size + cell - 1))
    for y in range(cell):
        for x in range(cell):
            kernel[:, y, x, y : y + size, x : x + size] = bank
    return torch.tensor(kernel.reshape(-1, 1, *kernel.shape[3:]), dtype=torch.float32)


def export(folder: Path) -> None:
    """Write the net and its card into `folder`, beside the models that are there.

    ValueError when ONNX Runtime and torch do not agree on noise and on flat, ramped and striped
    pictures of several sizes: then nothing is published.
    """
    target = folder / f"{SHIPPED}.onnx"
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about extents that are free on purpose
        torch.onnx.export(
            FeatureNet().eval(),
            (torch.zeros(1, 1, 128, 192),),
            buffer,
            dynamo=False,
            opset_version=17,
            input_names=["grey"],
            output_names=["cells", "image"],
            dynamic_axes={"grey": {2: "H", 3: "W"}, "cells": {2: "H/4", 3: "W/4"}},
        )
    difference = largest_difference(buffer.getvalue())
    if difference > TOLERANCE:
        raise ValueError(f"ONNX Runtime differs from torch by {difference:.2g}")
    manifest = folder / NAME
    known = parse_manifest(manifest.read_bytes(), manifest).models if manifest.exists() else {}
    target.write_bytes(buffer.getvalue())
    card = card_of(
        target,
        licence="Apache-2.0",
        data="none: the filters are given by formulas",
        command="python -m inspection.train.features inspection/weights",
        score={"largest_difference_torch_onnx": difference},
        units={"grey": "DN"},
    )
    write_manifest(folder, {**known, SHIPPED: card})


def check_set(seed: int = 7) -> list[NDArray[np.uint8]]:
    """Pictures on which torch and ONNX must agree: flat, ramped, striped and noisy."""
    rng = np.random.default_rng(seed)
    pictures = []
    for height, width in ((64, 64), (128, 192), (288, 128), (240, 608)):
        ramp = np.linspace(0, 255, width)[None].repeat(height, 0)
        stripes = 120 + 60 * np.sin(np.arange(width) * rng.uniform(0.2, 2))[None].repeat(height, 0)
        noise = rng.normal(120, 40, (height, width))
        flat = np.full((height, width), rng.uniform(0, 255))
        pictures += [np.clip(p, 0, 255).astype(np.uint8) for p in (ramp, stripes, noise, flat)]
    return pictures


@torch.inference_mode()
def largest_difference(payload: bytes) -> float:
    """Between torch's features and those of the ONNX bytes, over the check set."""
    net, bank = FeatureNet().eval(), FeatureBank(payload)
    worst = 0.0
    for picture in check_set():
        got = bank.lean(picture)
        expected = net(torch.from_numpy(picture.astype(np.float32)[None, None]))
        for wanted, there in zip(expected, (got.cells, got.image), strict=True):
            worst = max(worst, float(np.abs(wanted[0].numpy() - there).max()))
    return worst


if __name__ == "__main__":
    export(Path(sys.argv[1]))
