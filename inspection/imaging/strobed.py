"""From strobed and dark exposures to the 8-bit frame that the inspection network was taught on.

The network knows frames of one exposure under the strobes with little room light. A differenced
frame has none; it is put on the recipe's scale, so that nothing downstream knows how it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.imaging.ambient import Timed, difference
from inspection.imaging.hdr import brackets
from inspection.imaging.noise import Estimate, NoiseModel, Shot


@dataclass(frozen=True, slots=True)
class Recipe:
    """The exposure a frame is to look like: its time, the gain in 8 bits and the offset."""

    exposure_us: float
    dn_per_e: float
    black_level_dn: float


def strobe_exposure_us(recipe: Recipe, room_us: float) -> float:
    """The longest exposure in which the recipe's whole scale fits on top of the room light.

    room_us: the exposure that the room light alone would fill. What the recipe itself clips may
    saturate: it is as bright as can be in either frame.
    """
    return 1 / (1 / recipe.exposure_us + 1 / room_us)


def timed(shots: Sequence[Shot], noise: NoiseModel) -> list[Timed]:
    """Exposures of one light as radiances, each at the middle of its time."""
    found = brackets(shots, noise)
    middles = [shot.time_s + shot.exposure_us * 5e-7 for shot in shots]
    return [Timed(one, time_s) for one, time_s in zip(found, middles, strict=True)]


def differenced_frame(
    strobed: Sequence[Shot],
    dark: Sequence[Shot],
    noise: NoiseModel,
    recipe: Recipe,
    flicker_hz: float | None = None,
) -> tuple[NDArray[np.uint8], Estimate]:
    """The frame (H, W) uint8 and the radiance it was made of. ValueError as `ambient.difference`.

    A pixel that saturated in every exposure is as bright as can be.
    """
    alone = difference(timed(strobed, noise), timed(dark, noise), flicker_hz)
    return to_8_bit(alone, recipe), alone


def to_8_bit(radiance: Estimate, recipe: Recipe) -> NDArray[np.uint8]:
    """The radiance as the recipe's camera would number it, without its noise."""
    digital = radiance.value * np.float32(recipe.exposure_us * recipe.dn_per_e)
    digital += np.float32(recipe.black_level_dn + 0.5)
    digital[radiance.saturated] = 255
    return np.asarray(np.clip(digital, 0, 255), np.uint8)
