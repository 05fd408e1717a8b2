"""Random fields of unit standard deviation: what a surface has before anything is wrong with it.

Two families, so that what a network learned on one is judged on the other. `spectral` fields are
Gaussian with a given power spectrum. `event` fields are sums of separate marks (grooves that an
abrasive grain cut, bumps that the glaze ran into): as many, as large, but not Gaussian.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from inspection.sim.jit import njit

F32 = NDArray[np.float32]
Shape = tuple[int, int]


def spectral(
    rng: np.random.Generator, shape: Shape, corr_x_px: float, corr_y_px: float, falloff: float
) -> F32:
    """Gaussian field of spectral amplitude (1 + |k l|^2)^-falloff, correlation lengths l."""
    ky = np.fft.fftfreq(shape[0])[:, None].astype(np.float32) * (2 * np.pi * corr_y_px)
    kx = np.fft.rfftfreq(shape[1])[None, :].astype(np.float32) * (2 * np.pi * corr_x_px)
    amplitude = (1 + kx * kx + ky * ky) ** np.float32(-falloff)
    noise = rng.standard_normal((*amplitude.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    noise *= amplitude
    noise[0, 0] = 0
    field: F32 = scipy.fft.irfft2(noise, shape, workers=1)
    return unit(field)


def streaks(rng: np.random.Generator, shape: Shape, corr_x_px: float, corr_y_px: float) -> F32:
    """Long correlated streaks, fine and coarse mixed, pulled from Gaussian to heavy-tailed."""
    fine = spectral(rng, shape, corr_x_px, corr_y_px, 1.0)
    coarse = spectral(rng, shape, corr_x_px * rng.uniform(1, 3), corr_y_px, rng.uniform(1, 3))
    return -heavy_tailed(rng, unit(fine + coarse * np.float32(rng.uniform(0, 1.5))))


def heavy_tailed(rng: np.random.Generator, field: F32, most: float = 1.0) -> F32:
    """The field through exp(s x), s up to `most`: from Gaussian to a few high peaks."""
    pull = np.float32(rng.uniform(0.05, most))
    return unit(np.exp(np.minimum(field, 4.0) * pull))


def bumps(rng: np.random.Generator, shape: Shape, radius_px: float, per_area: float = 0.5) -> F32:
    """Gaussian bumps of random height at random places, `per_area` of them a squared radius.

    Drawn on a grid that resolves the radius three times over, then doubled until it is fine.
    """
    octaves = max(0, int(np.log2(max(radius_px / 3, 1))))
    step = 1 << octaves
    grid = (shape[0] // step + 8, shape[1] // step + 8)
    sigma = radius_px / step
    count = rng.poisson(per_area / sigma**2, grid).astype(np.float32)
    field = count * rng.gamma(2.0, 1.0, grid).astype(np.float32)
    field = cv2.GaussianBlur(field, (0, 0), sigma)
    for _ in range(octaves):
        field = cv2.pyrUp(field)
    top, left = (int(rng.integers(0, field.shape[i] - shape[i] + 1)) for i in (0, 1))
    return unit(field[top : top + shape[0], left : left + shape[1]])


def grooves(
    rng: np.random.Generator, shape: Shape, width_px: float, length_px: float, turn_rad: float
) -> F32:
    """Cuts of abrasive grains along y, of exponential depth, up to `turn_rad` off the y axis."""
    height, width = shape
    n = int(6 * height * width / (width_px * length_px))
    x = rng.uniform(-20, width + 20, n)
    y = rng.uniform(-length_px, height, n)
    length = length_px * (0.5 + rng.gamma(3.0, 0.25, n))  # a short cut would be a pit
    field = np.zeros(shape, np.float32)
    _cut(
        field,
        x,
        y,
        length,
        rng.uniform(-turn_rad, turn_rad, n),
        rng.uniform(0.5, 1.5, n) * width_px,
        rng.exponential(1.0, n),
    )
    return unit(field)


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(field, x, y, length, turn, width, depth):  # type: ignore[no-untyped-def]
    """A Gaussian profile from pixel to pixel by two products: exp(-(t + h)^2) is exp(-t^2) times
    exp(-2 t h - h^2), which itself shrinks by exp(-2 h^2) a step."""
    rows, columns = field.shape
    for k in range(x.size):
        sigma = width[k] / 2
        step = 1 / sigma
        shrink = np.exp(-2 * step * step)
        for row in range(max(0, int(y[k])), min(rows, int(y[k] + length[k]))):
            along = (row - y[k]) / length[k]
            middle = x[k] + turn[k] * (row - y[k])
            first = max(0, int(middle - 2 * sigma))
            t = (first - middle) * step
            cut = depth[k] * 4 * along * (1 - along) * np.exp(-t * t)
            ratio = np.exp(-(2 * t + step) * step)
            for column in range(first, min(columns, int(middle + 2 * sigma) + 2)):
                field[row, column] -= cut
                cut *= ratio
                ratio *= shrink


def capsules(rng: np.random.Generator, shape: Shape, diameter_px: float) -> NDArray[np.int32]:
    """Which cell a pixel belongs to: nearest of hexagonally packed middles that are a quarter of a
    diameter off their places (Voronoi cells), numbered from 1."""
    rows = int(shape[0] / (diameter_px * 0.866)) + 3
    columns = int(shape[1] / diameter_px) + 3
    row, column = (grid.astype(np.float32) for grid in np.mgrid[-1 : rows - 1, -1 : columns - 1])
    off = rng.uniform(-0.25, 0.25, (2, *row.shape))
    y = ((row + off[0]) * 0.866 * diameter_px).astype(int)
    x = ((column + 0.5 * (row % 2) + off[1]) * diameter_px).astype(int)
    seeds = np.ones(shape, np.uint8)
    inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
    seeds[y[inside], x[inside]] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return np.asarray(labels, np.int32)


def bricks(rng: np.random.Generator, shape: Shape, diameter_px: float) -> NDArray[np.int32]:
    """Which cell a pixel belongs to: bricks of unequal length in rows that a smooth field bends, as
    many as there would be `capsules`, numbered from 0."""
    pitch = diameter_px * 0.866**0.5
    bend = [
        0.5 * diameter_px * spectral(rng, shape, 4 * diameter_px, 4 * diameter_px, 3.0)
        for _ in range(2)
    ]
    start = 2 + rng.random(2) - [float(b.min()) / pitch for b in bend]
    y = ((np.arange(shape[0])[:, None] + bend[0]) / pitch + start[0]).astype(np.float32)
    row = y.astype(np.int32)
    stagger = rng.uniform(0, 1, int(row.max()) + 1).astype(np.float32)
    x = (np.arange(shape[1])[None, :] + bend[1]) / pitch + start[1] + stagger[row]
    column = x.astype(np.int32)
    columns = int(column.max()) + 1
    joint = rng.uniform(0, 0.5, (len(stagger), columns)).astype(np.float32)
    column -= x - column < joint[row, column]  # up to there the brick before goes on
    return np.asarray(row * columns + column, np.int32)


def basins(rng: np.random.Generator, shape: Shape, diameter_px: float) -> NDArray[np.int32]:
    """Which cell a pixel belongs to: those that climb to the same peak of a random field of nearly
    one wavelength, as many as there would be `capsules`, numbered from 0.

    A field of wave number k has k^2 / (8 pi sqrt 3) peaks an area (Longuet-Higgins 1957).
    """
    wave = np.sqrt(8 * np.pi * np.sqrt(3) / 0.866) / diameter_px
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij"))
    ring = np.exp(-(((2 * np.pi * k / wave - 1) / rng.uniform(0.1, 0.3)) ** 2)).astype(np.float32)
    noise = rng.standard_normal((*ring.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    field = scipy.fft.irfft2(noise * ring, shape, workers=1)
    padded = np.pad(field, 1, constant_values=-np.inf)
    rows, columns = shape
    here = np.arange(rows * columns, dtype=np.int32).reshape(shape)
    steps = [(i, j) for i in (0, -1, 1) for j in (0, -1, 1) if i or j]
    target, highest = here.copy(), field.copy()
    for i, j in steps:
        beside = padded[1 + i :, 1 + j :][:rows, :columns]
        is_higher = beside > highest
        np.copyto(highest, beside, where=is_higher)
        np.copyto(target, here + np.int32(i * columns + j), where=is_higher)
    number = np.cumsum(target == here, dtype=np.int32) - np.int32(1)  # of the peaks
    end = target.ravel()
    while not np.array_equal(further := end[end], end):
        end = further
    return np.asarray(number[end].reshape(shape), np.int32)


def unit(field: F32) -> F32:
    """The field with mean 0 and standard deviation 1."""
    centred = field - field.mean()
    deviation = float(centred.std())
    return np.ascontiguousarray(centred / deviation if deviation > 0 else centred, np.float32)
