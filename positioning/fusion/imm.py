"""Interacting multiple models over extended Kalman filters, for many tracks at once.

Blom and Bar-Shalom, IEEE Trans. Automatic Control 33:780, 1988. T tracks, 2 models, 8 states:
mean (T, 2, 8), covariance (T, 2, 8, 8), weight (T, 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.motion import process_noise, switching, transition

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """The states of T tracks under both models, and how probable each model is."""

    mean: Floats
    covariance: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.weight)

    def merged(self) -> tuple[Floats, Floats]:
        """Mean (T, 8) and covariance (T, 8, 8) of the mixture."""
        mean = np.einsum("tm,tmi->ti", self.weight, self.mean)
        off = self.mean - mean[:, None]
        spread = self.covariance + off[..., :, None] * off[..., None, :]
        return mean, np.einsum("tm,tmij->tij", self.weight, spread)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Mixture:
        """Some of the tracks."""
        return Mixture(self.mean[index], self.covariance[index], self.weight[index])

    def put(self, index: NDArray[np.int64], other: Mixture) -> Mixture:
        """With those at `index` in the place of its own."""
        parts = self.mean.copy(), self.covariance.copy(), self.weight.copy()
        for part, new in zip(parts, (other.mean, other.covariance, other.weight), strict=True):
            part[index] = new
        return Mixture(*parts)

    def joined(self, other: Mixture) -> Mixture:
        """These tracks, then those."""
        return Mixture(
            np.concatenate([self.mean, other.mean]),
            np.concatenate([self.covariance, other.covariance]),
            np.concatenate([self.weight, other.weight]),
        )


def predict(mixture: Mixture, dt_s: float) -> Mixture:
    """The mixture `dt_s` later."""
    if not len(mixture) or dt_s <= 0:
        return mixture
    chain = switching(dt_s)
    weight = mixture.weight @ chain
    share = mixture.weight[:, :, None] * chain / weight[:, None, :]  # (T, from, to)
    mean = np.einsum("tij,tik->tjk", share, mixture.mean)
    off = mixture.mean[:, :, None] - mean[:, None]  # (T, from, to, 8)
    spread = mixture.covariance[:, :, None] + off[..., :, None] * off[..., None, :]
    covariance = np.einsum("tij,tijkl->tjkl", share, spread)
    moved, jacobian = transition(mean, dt_s)
    covariance = jacobian @ covariance @ jacobian.swapaxes(-1, -2) + process_noise(mean, dt_s)
    return Mixture(moved, covariance, weight)


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """Posterior, log likelihood (T,) of the measurement, normalised innovation squared (T,)."""

    mixture: Mixture
    log_likelihood: Floats
    nis: Floats


def update(
    mixture: Mixture,
    innovation: Floats,
    jacobian: Floats,
    noise: Floats,
    considered: slice = slice(0),
) -> Update:
    """One measurement each: innovation (T, 2, d), jacobian (T, 2, d, 8), noise (T, 2, d, d).

    States that are `considered` keep their means: the measurement depends on them but is not
    trusted to tell them (Schmidt 1966). Joseph's form, so that covariances stay positive.
    """
    crossed = mixture.covariance @ jacobian.swapaxes(-1, -2)
    spread = jacobian @ crossed + noise
    inverse = np.linalg.inv(spread)
    gain = crossed @ inverse
    gain[..., considered, :] = 0.0
    mean = mixture.mean + (gain @ innovation[..., None])[..., 0]
    kept = np.eye(mean.shape[-1]) - gain @ jacobian
    covariance = kept @ mixture.covariance @ kept.swapaxes(-1, -2)
    covariance = covariance + gain @ noise @ gain.swapaxes(-1, -2)
    nis = np.einsum("tmi,tmij,tmj->tm", innovation, inverse, innovation)
    fit = -0.5 * (nis + np.linalg.slogdet(2 * np.pi * spread)[1])
    best = fit.max(1, keepdims=True)
    likely = mixture.weight * np.exp(fit - best)
    total = likely.sum(1)
    weight = np.maximum(likely / total[:, None], 1e-6)
    weight = weight / weight.sum(1, keepdims=True)
    mixed = (mixture.weight * nis).sum(1)
    return Update(Mixture(mean, covariance, weight), best[:, 0] + np.log(total), mixed)
