"""Synthetic defects on pictures of good parts: pits and stains, cracks and scratches, chipped
edges, areas of another texture.

For teaching on good parts alone, as CutPaste (Li et al. 2021) and DRAEM (Zavrtanik et al. 2021)
do. A defect's strength goes by the picture's own local contrast, so that faint ones are as faint
on a coarse surface as on a smooth one.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.methods.shapes import area, blob, border_point, line, noise

F32 = NDArray[np.float32]
Rng = np.random.Generator

COARSE_PX = 4


def spoil(
    image: NDArray[np.uint8], donor: NDArray[np.uint8], rng: Rng
) -> tuple[NDArray[np.uint8], F32]:
    """One to three defects on a good (H, W) image; `donor`, another good one, lends texture.

    Returns the image and the (H, W) cover of the defects, 0 to 1.
    """
    spoilt = image.astype(np.float32)
    cover = np.zeros(image.shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        make = _DEFECTS[rng.integers(len(_DEFECTS))]
        spoilt, where = make(spoilt, donor, rng)
        cover = np.maximum(cover, where)
    return np.clip(spoilt, 0, 255).astype(np.uint8), cover


def _blur(image: F32, sigma: float) -> F32:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def _local(image: F32) -> tuple[F32, F32]:
    """Local brightness and local contrast (standard deviation), over some 6 and 12 pixels."""
    brightness = _slow(image, 6)
    return brightness, np.sqrt(_slow((image - brightness) ** 2, 12))


def _slow(image: F32, sigma: float) -> F32:
    """Blurred on a grid of `COARSE_PX`, which so wide a blur does not show."""
    height, width = image.shape
    size = (max(1, width // COARSE_PX), max(1, height // COARSE_PX))
    coarse = _blur(
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA)), sigma / COARSE_PX
    )
    return np.asarray(cv2.resize(coarse, (width, height)), np.float32)


def _shift(image: F32, where: F32, dark: float, rng: Rng) -> F32:
    """Darker (with probability `dark`) or brighter where the defect is, unevenly."""
    brightness, contrast = _local(image)
    sign = -1 if rng.random() < dark else 1
    strength = rng.uniform(1.5, 6) * contrast + rng.uniform(0, 0.35) * brightness
    uneven = 1 + 0.3 * noise(where.shape, rng.uniform(1.5, 5), rng)
    return np.asarray(image + sign * strength * where * uneven, np.float32)


def _spot(image: F32, donor: NDArray[np.uint8], rng: Rng) -> tuple[F32, F32]:
    height, width = image.shape
    centre = (rng.random() * width, rng.random() * height)
    radius = float(np.exp(rng.uniform(np.log(1.5), np.log(9))))
    where = blob(image.shape, centre, radius, rng, rng.uniform(1, 2.5), rng.uniform(0, pi))
    spoilt = _shift(image, where, 0.75, rng)
    if rng.random() < 0.3:  # a pit's rim catches the light
        rim = np.maximum(_blur(where, 1.5) - where, 0)
        spoilt = spoilt + rim * rng.uniform(1, 4) * _local(image)[1]
    return spoilt, where


def _crack(image: F32, donor: NDArray[np.uint8], rng: Rng) -> tuple[F32, F32]:
    where = line(image.shape, rng)
    return _shift(image, where, 0.85, rng), where


def _chip(image: F32, donor: NDArray[np.uint8], rng: Rng) -> tuple[F32, F32]:
    """Broken off at the border or a corner: another brightness, a rough fracture."""
    shape = image.shape
    centre, _ = border_point(shape, rng, at_corner=rng.random() < 0.4)
    radius = float(np.exp(rng.uniform(np.log(6), np.log(0.2 * min(shape) + 8))))
    angle = rng.integers(2) * pi / 2
    where = blob(shape, centre, radius, rng, rng.uniform(0.5, 2.5), angle, rough=1.0)
    brightness, contrast = _local(image)
    fracture = noise(shape, rng.uniform(1, 3), rng) * rng.uniform(0.5, 2.5)
    fracture = fracture + noise(shape, rng.uniform(4, 12), rng) * rng.uniform(0, 3)
    new = brightness * rng.uniform(0.2, 1.3) + fracture * contrast.mean() * rng.uniform(0.5, 1.5)
    return image * (1 - where) + new * where, where


def _other_texture(image: F32, donor: NDArray[np.uint8], rng: Rng) -> tuple[F32, F32]:
    """An area worked otherwise: rougher, smoother, of another grain or direction."""
    height, width = image.shape
    if rng.random() < 0.7:
        where = area(image.shape, rng)
    else:
        centre = (rng.random() * width, rng.random() * height)
        radius, angle = rng.uniform(8, 40), rng.uniform(0, pi)
        where = blob(image.shape, centre, radius, rng, rng.uniform(1, 3), angle)
    brightness, contrast = _local(image)
    new = _TEXTURES[rng.integers(len(_TEXTURES))](image, brightness, contrast, donor, rng)
    if rng.random() < 0.5:
        new = new + rng.uniform(-0.3, 0.3) * brightness
    return np.asarray(image * (1 - where) + new * where, np.float32), where


def _rougher(image: F32, low: F32, contrast: F32, donor: NDArray[np.uint8], rng: Rng) -> F32:
    return low + (image - low) * rng.uniform(1.8, 4)


def _worn(image: F32, low: F32, contrast: F32, donor: NDArray[np.uint8], rng: Rng) -> F32:
    grain = noise(image.shape, 1.5, rng) * contrast.mean() * 0.2
    return np.asarray(low + (image - low) * rng.uniform(0, 0.4) + grain, np.float32)


def _blurred(image: F32, low: F32, contrast: F32, donor: NDArray[np.uint8], rng: Rng) -> F32:
    return _blur(image, rng.uniform(1.5, 4))


def _grainy(image: F32, low: F32, contrast: F32, donor: NDArray[np.uint8], rng: Rng) -> F32:
    grain = noise(image.shape, rng.uniform(1, 6), rng) * contrast.mean()
    return np.asarray(low * rng.uniform(0.5, 1.2) + grain * rng.uniform(0.5, 2.5), np.float32)


def _turned(image: F32, low: F32, contrast: F32, donor: NDArray[np.uint8], rng: Rng) -> F32:
    """Another good part's texture, turned by a quarter or half."""
    turned = np.ascontiguousarray(np.rot90(donor, int(rng.integers(1, 4)))).astype(np.float32)
    size = (image.shape[1], image.shape[0])
    other = np.asarray(cv2.resize(turned, size), np.float32)
    if rng.random() < 0.5:
        return low + (other - _slow(other, 6)) * rng.uniform(1, 2.5)
    return np.asarray(other * (low.mean() / max(1.0, float(other.mean()))), np.float32)


def _striated(image: F32, low: F32, contrast: F32, donor: NDArray[np.uint8], rng: Rng) -> F32:
    length = int(rng.integers(15, 60))
    window = (1, length) if rng.random() < 0.5 else (length, 1)
    stripes = cv2.blur(noise(image.shape, 1, rng), window)
    depth = contrast.mean() * rng.uniform(1, 3.5) / (stripes.std() + 1e-6)
    return np.asarray(low + stripes * depth, np.float32)


_DEFECTS: tuple[Callable[[F32, NDArray[np.uint8], Rng], tuple[F32, F32]], ...] = (
    _spot,
    _crack,
    _chip,
    _other_texture,
)
_TEXTURES: tuple[Callable[[F32, F32, F32, NDArray[np.uint8], Rng], F32], ...] = (
    _rougher,
    _rougher,
    _worn,
    _blurred,
    _grainy,
    _turned,
    _striated,
)
