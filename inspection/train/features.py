"""The feature net: a fixed multi-scale bank of filters, exported as ONNX.

Nothing in it is learned, so it owes nothing to any data: derivatives of Gaussians (Koenderink and
van Doorn 1987), ridge strengths as eigenvalues of the Hessian (Lindeberg 1998), line integrals in
eight directions, and energies of texture in windows of several sizes, each at several octaves.
What an image looks like in these terms is what the heads in `inspection.methods` learn from.

    python -m inspection.train.features inspection/weights
"""

from __future__ import annotations

from math import pi

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

STRIDE = 4
CLIP = 8.0
ORIENTATIONS = 8


def _gaussian(sigma: float, order: int, radius: int) -> NDArray[np.float64]:
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    g = np.exp(-x * x / (2 * sigma * sigma))
    g /= g.sum()
    return [g, -x / sigma * g, (x * x / sigma**2 - 1) * g][order]


def _derivatives(sigma: float = 0.9, radius: int = 2) -> Tensor:
    """(5, 1, 5, 5): gx, gy, gxx, gyy, gxy, scale-normalised."""
    g0, g1, g2 = (_gaussian(sigma, order, radius) for order in range(3))
    bank = [np.outer(g0, g1), np.outer(g1, g0), np.outer(g0, g2), np.outer(g2, g0)]
    return torch.tensor(np.stack([*bank, np.outer(g1, g1)])[:, None], dtype=torch.float32)


def _lines(across: float = 1.0, along: float = 3.0, radius: int = 5) -> Tensor:
    """(8, 1, 11, 11): second derivative across a line, summed along it, in eight directions."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
    bank = []
    for step in range(ORIENTATIONS):
        angle = pi * step / ORIENTATIONS
        u = x * np.cos(angle) + y * np.sin(angle)
        v = -x * np.sin(angle) + y * np.cos(angle)
        kernel = (v * v / across**2 - 1) * np.exp(-((v / across) ** 2) / 2 - (u / along) ** 2 / 2)
        kernel -= kernel.mean()
        bank.append(kernel / np.sqrt((kernel**2).sum()))
    return torch.tensor(np.stack(bank)[:, None], dtype=torch.float32)


def _padded(x: Tensor, kernel: Tensor) -> Tensor:
    r = kernel.shape[-1] // 2
    return F.conv2d(F.pad(x, (r, r, r, r), mode="reflect"), kernel)


def _smooth(x: Tensor, size: int) -> Tensor:
    """A box mean over what lies inside the image."""
    return F.avg_pool2d(x, size, 1, size // 2, count_include_pad=False)


class FeatureNet(nn.Module):
    """(1, 1, H, W) grey values 0..255, H and W multiples of 32 -> (1, C, H/4, W/4) features."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("derivatives", _derivatives())
        self.register_buffer("lines", _lines())

    def forward(self, grey: Tensor) -> Tensor:
        level = torch.log(1 + grey / 8)
        coarse = F.avg_pool2d(level, 8)
        low = F.interpolate(
            _smooth(_smooth(coarse, 3), 5), scale_factor=8.0, mode="bilinear", align_corners=False
        )
        detail = level - low
        spread = detail.abs().mean((2, 3), keepdim=True) * 1.25 + 0.02
        z = torch.clamp(detail / spread, -CLIP, CLIP)
        octaves = [z]
        for _ in range(4):
            octaves.append(F.avg_pool2d(octaves[-1], 2))
        features: list[Tensor] = []
        energies: list[Tensor] = []
        for index, octave in enumerate(octaves):
            g = _padded(octave, self.derivatives)
            features += self._cells(self._shapes(g, octave), index)
            if index < 3:
                features += [] if index == 0 else self._cells(self._ridges(octave), index)
                energies.append(F.avg_pool2d(g[:, :4].abs(), STRIDE >> index))
        features += self._context(torch.cat(energies, 1), F.avg_pool2d(level, STRIDE))
        features += self._place(octaves[2], spread)
        return torch.cat(features, 1)

    def _shapes(self, g: Tensor, octave: Tensor) -> Tensor:
        """Slope, curvature and the two principal curvatures, and the smoothed value itself."""
        gxx, gyy, gxy = g[:, 2:3], g[:, 3:4], g[:, 4:5]
        mean = (gxx + gyy) / 2
        root = torch.sqrt((gxx - gyy) ** 2 / 4 + gxy**2 + 1e-8)
        return torch.cat([g[:, :4], mean + root, mean - root, _smooth(octave, 3)], 1)

    def _ridges(self, octave: Tensor) -> Tensor:
        """The strongest dark and bright line through each pixel, and the across-grain contrast."""
        response = _padded(octave, self.lines)
        return torch.cat([response.amax(1, keepdim=True), response.amin(1, keepdim=True)], 1)

    def _cells(self, maps: Tensor, index: int) -> list[Tensor]:
        """Extremes of each cell of 4 x 4 pixels; octaves above that are interpolated."""
        if index < 2:
            size = STRIDE >> index
            return [F.max_pool2d(maps, size), -F.max_pool2d(-maps, size)]
        if index == 2:
            return [maps]
        factor = float(2 ** (index - 2))
        return [F.interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)]

    def _context(self, energies: Tensor, level: Tensor) -> list[Tensor]:
        """Texture energies and brightness in three windows, as such and against the image's own."""
        near = F.avg_pool2d(energies, 3, 1, 1, count_include_pad=False)
        half = F.avg_pool2d(energies, 4)
        far = [F.interpolate(_smooth(half, size), scale_factor=4.0, mode="bilinear", align_corners=False) for size in (3, 7)]
        windows = [torch.log(window + 0.02) for window in (near, *far)]
        own = torch.log(energies.mean((2, 3), keepdim=True) + 0.02)
        middle = level.mean((2, 3), keepdim=True)
        light = [level - middle, _smooth(level, 5) - middle, _smooth(level, 17) - middle]
        return [*windows, windows[1] - own, windows[2] - own, *light]

    def _place(self, like: Tensor, spread: Tensor) -> list[Tensor]:
        """Nearness of the image's border at two distances, and the image's contrast."""
        ones = torch.ones_like(like)
        near = [1 - F.avg_pool2d(ones, size, 1, size // 2) for size in (5, 17)]
        return [*near, torch.log(spread) * ones]


if __name__ == "__main__":
    import warnings

    warnings.filterwarnings("ignore")
    n = FeatureNet().eval()
    x = torch.rand(1, 1, 288, 352) * 255
    print(n(x).shape)
    torch.onnx.export(
        n,
        (x,),
        "/tmp/anom/f.onnx",
        dynamo=False,
        opset_version=17,
        input_names=["grey"],
        output_names=["features"],
        dynamic_axes={"grey": {2: "h", 3: "w"}, "features": {2: "h4", 3: "w4"}},
    )
    import onnxruntime as ort, time

    so = ort.SessionOptions()
    so.intra_op_num_threads = 1
    s = ort.InferenceSession("/tmp/anom/f.onnx", so)
    a = s.run(None, {"grey": x.numpy()})[0]
    print(np.abs(a - n(x).numpy()).max())
    t = time.process_time()
    for _ in range(20):
        s.run(None, {"grey": x.numpy()})
    print("ms 288x352", (time.process_time() - t) * 50)
