"""What is said of one region: its kind, its size, and the features both rest on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """kind: "other" where no kind is probable; chance: of that kind, or of the likeliest one.

    size_px: diameter of the circle of the same area; of a scratch its length. u_size_px: standard
    uncertainty. width_px, u_width_px: mean width of a scratch, None for other kinds. features: as
    `inspection.regions.describe.FEATURES` names them.
    """

    kind: str
    chance: float
    size_px: float
    u_size_px: float
    width_px: float | None
    u_width_px: float | None
    features: tuple[float, ...]
