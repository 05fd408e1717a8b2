"""Change events from a sequence of frames: what an event camera would say of a moving part.

A pixel keeps the logarithm of the light at its last event and fires when the light has changed by
the contrast threshold (Lichtsteiner, Posch and Delbruck 2008, JSSC 43:566). A ratio knows no level:
the same scratch gives the same events by night and by day. What changes everywhere at once, such as
the room light, is taken out first, as the median of the change over the frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inspection.imaging.noise import F32

I32 = NDArray[np.int32]


@dataclass(slots=True)
class EventMode:
    """State of all pixels; feed frames to `step` in the order of time.

    threshold: change of the natural logarithm that fires, e.g. 0.1 for 10 %. refractory_s: after an
    event a pixel is blind so long; what changes meanwhile is lost. floor: light below it reads
    as it, in the frames' unit; the logarithm of noise around nothing would fire for ever.
    common_mode: take out what changes everywhere.
    """

    threshold: float
    refractory_s: float = 0.0
    floor: float = 1e-3
    common_mode: bool = True
    _reference: F32 | None = field(default=None, init=False)
    _free_at_s: NDArray[np.float64] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not (self.threshold > 0 and self.refractory_s >= 0 and self.floor > 0):
            raise ValueError("threshold and floor must be > 0, refractory_s >= 0")

    def step(self, radiance: F32, time_s: float) -> I32:
        """(H, W) signed events since the last frame; none for the first. ValueError when the shape
        changes."""
        level = np.log(np.maximum(radiance, np.float32(self.floor)))
        if self._reference is None or self._free_at_s is None:
            self._reference = level.astype(np.float32)
            self._free_at_s = np.full(level.shape, -np.inf)
            return np.zeros(level.shape, np.int32)
        if level.shape != self._reference.shape:
            raise ValueError(f"frame of {level.shape} after frames of {self._reference.shape}")
        change = level - self._reference
        if self.common_mode:
            everywhere = np.median(change)
            change -= everywhere
            self._reference += everywhere
        blind = time_s < self._free_at_s
        events = np.trunc(change / self.threshold).astype(np.int32)
        if self.refractory_s > 0:
            np.clip(events, -1, 1, out=events)
        events[blind] = 0
        fired = events != 0
        lost = blind | fired if self.refractory_s > 0 else blind
        self._reference += np.where(lost, change, events * np.float32(self.threshold))
        self._free_at_s[fired] = time_s + self.refractory_s
        return np.asarray(events, np.int32)


class Temporal(Protocol):
    """What tells of each pixel how it has changed."""

    def step(self, radiance: F32, time_s: float) -> NDArray[Any]:
        """(H, W) signed change since the last frame; zeros for the first."""
        ...


@dataclass(slots=True)
class FrameDifference:
    """What a plain camera says: the frame less the one before it, in the frames' unit."""

    _last: F32 | None = field(default=None, init=False)

    def step(self, radiance: F32, time_s: float) -> F32:
        """(H, W) differences; zeros for the first frame."""
        last, self._last = self._last, radiance
        return np.zeros_like(radiance) if last is None else radiance - last


def count_on_part(
    frames: Iterable[tuple[float, F32]], mode: Temporal, step_px: int = 0
) -> NDArray[np.float32]:
    """Events at each point of a part that moves `step_px` columns to the right with every frame.

    frames: (time in s, radiance (H, W)). Returns (H, W) counts of events of either sign, or the
    magnitude of differences, in the first frame's pixels, over the frames in which the point was
    seen and lit the pixel that fired, as a mean a frame.
    """
    total: F32 | None = None
    seen: F32 | None = None
    for i, (time_s, radiance) in enumerate(frames):
        events = np.abs(mode.step(radiance, time_s)).astype(np.float32)
        if total is None or seen is None:
            total, seen = np.zeros_like(events), np.zeros_like(events)
            continue
        shift = i * step_px
        width = events.shape[1] - abs(shift)
        if width <= 0:
            break
        here = slice(max(shift, 0), max(shift, 0) + width)
        part = slice(max(-shift, 0), max(-shift, 0) + width)
        total[:, part] += events[:, here]
        seen[:, part] += 1
    if total is None or seen is None:
        raise ValueError("there is no frame to count events in")
    return np.asarray(total / np.maximum(seen, 1), np.float32)
