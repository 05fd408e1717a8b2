"""Bracketed exposures of one scene fused into one radiance, as a linear camera allows.

The maximum-likelihood weights of a linear sensor are the inverse variances of its noise model
(Granados et al. 2010, CVPR, "Optimal HDR reconstruction with linear digital cameras"). The variance
follows the light, which is not known: a first mean, weighted by exposure, stands in for it. Weights
taken from each noisy pixel itself would favour the ones that came out dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from inspection.imaging.noise import F32, Estimate, NoiseModel, Shot, estimate, same_shape

MARGIN = 0.9  # of saturation: what the shorter exposure foretells must lie below
WINDOW_PX = 3
EDGE = 0.8  # a pixel this much darker than its neighbours is none of them


def brackets(shots: Sequence[Shot], noise: NoiseModel) -> list[Estimate]:
    """One estimate an exposure; `saturated` says where it must not be used.

    Whether an exposure saturates is foretold from the next shorter one, its median over 3 x 3
    pixels. To ask itself alone would keep the pixels whose noise happened to be low: a step in the
    picture wherever a surface lies near saturation. ValueError when there is no exposure or the
    shapes differ.
    """
    same_shape([shot.frame for shot in shots])
    singles = [estimate(shot, noise) for shot in shots]
    rising = sorted(range(len(shots)), key=lambda i: shots[i].exposure_us)
    full = MARGIN * (noise.saturation_dn - noise.black_level_dn) / noise.dn_per_e
    for shorter, i in pairwise(rising):
        if shots[i].exposure_us > shots[shorter].exposure_us:
            time, seen = np.float32(shots[i].exposure_us), singles[shorter].value
            bright = (cv2.medianBlur(seen, WINDOW_PX) * time > full) & (seen * time > EDGE * full)
            over = singles[i].saturated | singles[shorter].saturated | bright
            singles[i] = Estimate(singles[i].value, singles[i].sigma, over)
    return singles


def fuse(shots: Sequence[Shot], noise: NoiseModel) -> Estimate:
    """The weighted mean of what the exposures show; saturated pixels are left out.

    Where every exposure saturated, the shortest stands in and the pixel is flagged. ValueError
    when there is no exposure or the shapes differ.
    """
    singles = brackets(shots, noise)
    times = [np.float32(shot.exposure_us) for shot in shots]
    shortest = int(np.argmin(times))
    lost = np.logical_and.reduce([single.saturated for single in singles])
    usable = [
        (~single.saturated | (lost if i == shortest else False)).astype(np.float32)
        for i, single in enumerate(singles)
    ]
    by_time = [mask * time for mask, time in zip(usable, times, strict=True)]
    first = _mean(by_time, singles)
    weights = [
        mask * time**2 / noise.variance_e2(first * time)
        for mask, time in zip(usable, times, strict=True)
    ]
    sigma = 1 / np.sqrt(np.sum(weights, axis=0))
    return Estimate(_mean(weights, singles), np.asarray(sigma, np.float32), lost)


def merge(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of estimates of one radiance, weighted by inverse variance; saturated ones left out.

    For brackets whose room light was taken out one by one. The variance is averaged over 3 x 3
    pixels first: a pixel's own noise would decide its weight.
    """
    same_shape([one.value for one in estimates])
    lost = np.logical_and.reduce([one.saturated for one in estimates])
    weights = [
        np.where(one.saturated & ~lost, 0, 1 / cv2.blur(one.sigma**2, (3, 3))).astype(np.float32)
        for one in estimates
    ]
    total = np.sum(weights, axis=0)
    variance = np.sum([w**2 * one.sigma**2 for w, one in zip(weights, estimates, strict=True)], 0)
    sigma = np.sqrt(variance) / total
    return Estimate(_mean(weights, estimates), np.asarray(sigma, np.float32), lost)


def _mean(weights: Sequence[F32], singles: Sequence[Estimate]) -> F32:
    total = np.sum(weights, axis=0)
    parts = [weight * single.value for weight, single in zip(weights, singles, strict=True)]
    return np.asarray(np.sum(parts, axis=0) / total, np.float32)
