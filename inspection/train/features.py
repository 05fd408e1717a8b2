"""The feature net: a fixed multi-scale bank of filters, exported as ONNX.

Nothing in it is learned, so it owes nothing to any data: derivatives of Gaussians (Koenderink and
van Doorn 1987), principal curvatures (Lindeberg 1998), line integrals in eight directions, and
energies of texture in windows of several sizes (Laws 1980), each at several octaves. What a part
looks like in these terms is what `inspection.methods.anomaly` learns at teaching.

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
OCTAVES = 5
CLIP = 8.0
ORIENTATIONS = 8
_FLOOR = 0.02  # of contrast in log brightness: about a grey level of sensor noise


class FeatureNet(nn.Module):
    """(1, 1, H, W) grey values 0..255, H and W multiples of 16 -> (1, C, H/4, W/4) features."""

    def __init__(self) -> None:
        super().__init__()
        for index in range(3):
            cell = max(1, STRIDE >> index)
            self.register_buffer(f"shapes_{index}", _per_cell(_derivatives(), cell))
            if index:
                self.register_buffer(f"lines_{index}", _per_cell(_lines(), cell))

    def forward(self, grey: Tensor) -> Tensor:
        level = torch.log(1 + grey / 8)
        z, spread = _normalised(level)
        octaves = [z]
        for _ in range(OCTAVES - 1):
            octaves.append(F.avg_pool2d(octaves[-1], 2))
        features: list[Tensor] = []
        energies: list[Tensor] = []
        for index, octave in enumerate(octaves):
            g = _cells(octave, self._buffer("shapes", min(index, 2)), 6, STRIDE >> index)
            shapes = _shapes(g)
            features += _extremes(shapes) if index < 2 else [_enlarged(shapes[:, :, 0], index - 2)]
            if index < 3:
                energies.append(g[:, :4].abs().mean(2))
            if index in (1, 2):
                response = _cells(octave, self._buffer("lines", index), 8, STRIDE >> index)
                features += [response.flatten(1, 2).amax(1, True), response.flatten(1, 2).amin(1, True)]
        features += _context(torch.cat(energies, 1), F.avg_pool2d(level, STRIDE))
        features += _place(octaves[2], spread)
        return torch.cat(features, 1)

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
    gxx, gyy, gxy = g[:, 2:3], g[:, 3:4], g[:, 4:5]
    mean = (gxx + gyy) / 2
    root = torch.sqrt((gxx - gyy) ** 2 / 4 + gxy**2 + 1e-8)
    return torch.cat([g[:, :4], mean + root, mean - root, g[:, 5:6]], 1)


def _extremes(maps: Tensor) -> list[Tensor]:
    return [maps.amax(2), maps.amin(2)]


def _enlarged(maps: Tensor, octaves: int) -> Tensor:
    if octaves < 1:
        return maps
    return F.interpolate(maps, scale_factor=2.0**octaves, mode="bilinear", align_corners=False)


def _smooth(x: Tensor, size: int) -> Tensor:
    """A box mean over what lies inside the image."""
    return F.avg_pool2d(x, size, 1, size // 2, count_include_pad=False)


def _context(energies: Tensor, level: Tensor) -> list[Tensor]:
    """Texture energies and brightness in three windows, as such and against the image's own."""
    coarse = F.avg_pool2d(energies, 4)
    far = [_enlarged(_smooth(coarse, size), 2) for size in (3, 7)]
    windows = [torch.log(window + _FLOOR) for window in (_smooth(energies, 3), *far)]
    own = torch.log(energies.mean((2, 3), keepdim=True) + _FLOOR)
    middle = level.mean((2, 3), keepdim=True)
    light = [level - middle, _smooth(level, 5) - middle, _smooth(level, 17) - middle]
    return [*windows, windows[1] - own, windows[2] - own, *light]


def _place(like: Tensor, spread: Tensor) -> list[Tensor]:
    """Nearness of the image's border at two distances, and the image's contrast."""
    ones = torch.ones_like(like)
    near = [1 - F.avg_pool2d(ones, size, 1, size // 2) for size in (5, 17)]
    return [*near, torch.log(spread) * ones]


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
        kernel = (v * v / across**2 - 1) * np.exp(-(v / across) ** 2 / 2 - (u / along) ** 2 / 2)
        kernel -= kernel.mean()
        bank.append(kernel / np.sqrt((kernel**2).sum()))
    return np.stack(bank)


def _per_cell(bank: NDArray[np.float64], cell: int) -> Tensor:
    """The (K, s, s) bank as one convolution of stride `cell`: weights (K * cell * cell, 1, n, n),
    n = s + cell - 1; output k * cell * cell + y * cell + x is filter k at pixel (y, x) of a cell."""
    count, size, _ = bank.shape
    kernel = np.zeros((count, cell, cell, size + cell - 1, size + cell - 1))
    for y in range(cell):
        for x in range(cell):
            kernel[:, y, x, y : y + size, x : x + size] = bank
    return torch.tensor(kernel.reshape(-1, 1, *kernel.shape[3:]), dtype=torch.float32)


if __name__=='__main__':
    import warnings; warnings.filterwarnings('ignore')
    n=FeatureNet().eval(); x=torch.rand(1,1,288,352)*255; print(n(x).shape)
    torch.onnx.export(n,(x,),'/tmp/anom/f2.onnx',dynamo=False,opset_version=17,input_names=['grey'],output_names=['features'],dynamic_axes={'grey':{2:'h',3:'w'},'features':{2:'h4',3:'w4'}})
    import onnxruntime as ort,time
    so=ort.SessionOptions(); so.intra_op_num_threads=1
    for p in ('f.onnx','f2.onnx'):
        s=ort.InferenceSession('/tmp/anom/'+p,so)
        a=s.run(None,{'grey':x.numpy()})[0]; print(a.shape,np.abs(a-n(x).numpy()).max() if 'f2' in p else '')
        best=9
        for _ in range(40):
            t=time.process_time(); s.run(None,{'grey':x.numpy()}); best=min(best,time.process_time()-t)
        print(p,'best ms 288x352',best*1e3)
