"""What is said of one region: its kind, its size, and the features both rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Mark:
    """features: what a correction of it is learned from; of the method `segment` those that
    `inspection.regions.describe.FEATURES` names.

    kind: "other" where no kind is probable; chance: of that kind, or of the likeliest one. size_px:
    diameter of the circle of the same area; of a scratch its length. u_size_px: standard
    uncertainty. width_px, u_width_px: mean width of a scratch. None: not told.
    """

    kind: str
    features: tuple[float, ...]
    chance: float | None = None
    size_px: float | None = None
    u_size_px: float | None = None
    width_px: float | None = None
    u_width_px: float | None = None


def described(features: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """(D,) features as a mark and a line of results hold them."""
    return tuple(np.asarray(features, np.float64).round(5).tolist())
