"""What the strobe adds to a scene whose room light drifts and flickers.

Exposures without strobe sample the room light at their moments. At the moment of a strobed
exposure it is predicted by linear regression in time, in each pixel by itself, on a constant, a
drift and the flicker of lamps on the mains (twice its frequency). The prediction is a fixed
combination of the dark exposures, the same for all pixels: lamps on different phases may light
different places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.imaging.noise import Estimate, same_shape

F64 = NDArray[np.float64]

MOST_CONDITION = 1e6  # beyond, the dark exposures fall on the same phases of the flicker


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """An estimate of the radiance at a moment."""

    estimate: Estimate
    time_s: float


def difference(
    strobed: Sequence[Timed], dark: Sequence[Timed], flicker_hz: float | None = None
) -> Estimate:
    """The strobe's own radiance: the mean of the strobed exposures less the predicted room light.

    One dark exposure predicts a constant, two or more a drift too. With `flicker_hz` at least four
    are needed, at different phases. A pixel that is saturated in any of them is flagged. ValueError
    when there are too few, or the shapes differ.
    """
    every = [*strobed, *dark]
    same_shape([one.estimate.value for one in every])
    if not strobed or not dark:
        raise ValueError("differencing needs an exposure with strobe and one without")
    weights = combination([s.time_s for s in strobed], [d.time_s for d in dark], flicker_hz)
    shares = [*np.full(len(strobed), 1 / len(strobed)), *-weights.mean(axis=0)]
    value = sum(np.float32(w) * one.estimate.value for w, one in zip(shares, every, strict=True))
    variance = sum(
        np.float32(w**2) * one.estimate.sigma**2 for w, one in zip(shares, every, strict=True)
    )
    saturated = np.logical_or.reduce([one.estimate.saturated for one in every])
    return Estimate(
        np.asarray(value, np.float32), np.asarray(np.sqrt(variance), np.float32), saturated
    )


def combination(
    strobed_s: Sequence[float], dark_s: Sequence[float], flicker_hz: float | None
) -> F64:
    """(S, D) weights of the dark exposures in the prediction at each strobed moment.

    Rows sum to one, as the constant is in the model.
    """
    start = float(np.mean(dark_s))
    span = max(float(np.ptp(dark_s)), 1e-9)
    known, wanted = (
        _basis((np.asarray(t, np.float64) - start) / span, flicker_hz, span, len(dark_s))
        for t in (dark_s, strobed_s)
    )
    if len(dark_s) < known.shape[1]:
        raise ValueError(
            f"{len(dark_s)} dark exposures cannot tell drift from flicker: take {known.shape[1]}"
        )
    if np.linalg.cond(known) > MOST_CONDITION:
        raise ValueError("the dark exposures fall on the same moments or phases: spread them")
    return np.asarray(wanted @ np.linalg.pinv(known), np.float64)


def _basis(t: F64, flicker_hz: float | None, span_s: float, darks: int) -> F64:
    columns = [np.ones_like(t)]
    if darks > 1:
        columns.append(t)
    if flicker_hz is not None:
        phase = 2 * np.pi * flicker_hz * t * span_s
        columns += [np.cos(phase), np.sin(phase)]
    return np.stack(columns, axis=1)
