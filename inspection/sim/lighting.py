"""All the light of one exposure: what burns, what the room adds, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from inspection.sim.penumbra import Dimmed, dimmed
from inspection.sim.render import DARK, U16, Ambient, Lamps, Points, shade, shadows

F32 = NDArray[np.float32]
ALL = slice(None)


@dataclass(frozen=True, slots=True, eq=False)
class Lighting:
    """blocked: hard shadows as `shade` takes them; dimmed: soft ones. Both over the whole frame."""

    lamps: Lamps
    room: Ambient = DARK
    blocked: U16 | None = None
    dimmed: tuple[Dimmed, ...] = ()

    @classmethod
    def over(
        cls, height_um: F32, pixel_um: float, lamps: Lamps, room: Ambient, are_shadows_hard: bool
    ) -> Self:
        """With the shadows that a height field (H, W) casts on itself."""
        if are_shadows_hard:
            return cls(lamps, room, shadows(height_um, pixel_um, lamps))
        return cls(lamps, room, None, dimmed(height_um, pixel_um, lamps))

    def on(self, points: Points, at: NDArray[Any] | slice = ALL) -> F32:
        """Radiance towards the camera of points that lie at these flat pixels, (N,) float32."""
        blocked = None if self.blocked is None else self.blocked[at]
        free = self.lamps.without([shadow.lamp for shadow in self.dimmed])
        radiance = shade(points, free, self.room, blocked)
        for shadow in self.dimmed:
            radiance += shade(points, self.lamps.only(shadow.lamp)) * shadow.share[at]
        return radiance

    def borders(self, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
        """(H, W) labels that change where a shadow begins and ends; None without shadows."""
        if self.blocked is not None:
            return (self.blocked > 0).reshape(shape).astype(np.uint8)
        if not self.dimmed:
            return None
        darkest = np.minimum.reduce([shadow.share for shadow in self.dimmed]).reshape(shape)
        return np.asarray((darkest > 0.98).astype(np.uint8) + (darkest > 0.02))
