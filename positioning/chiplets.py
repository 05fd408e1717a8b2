"""Radar and camera as dies side by side in one package: a model on paper, not silicon.

What passes between the dies is what this chain passes between its stages; a bit's energy is that
which UCIe 1.0 gives for a standard package (Das Sharma et al., IEEE Trans. CPMT 12(9), 2022). How
large dies may be follows from the package's side, taken gaps and a grid; how large they would be
nothing here knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from common.types.radar import CAPACITY, COLUMNS
from positioning.radar.waveform import Waveform
from positioning.video.detector import MOST
from positioning.video.partition import MAPS, PIXELS, ROW

BIT_J = 0.5e-12
SHORE_BYTES_S_MM = 28e9  # of a link over a millimetre of a die's edge at 4 GT/s, standard package
EDGE_MM, GAP_MM = 1.0, 0.5  # taken: from the package's rim to a die, and between two dies
DIES = ("radar front end", "radar processor", "image processor", "network", "fusion and host")


@dataclass(frozen=True, slots=True)
class Link:
    """Between two of DIES, and what goes over it."""

    source: str
    sink: str
    bytes_s: float

    @property
    def power_w(self) -> float:
        """Of the link's two ends."""
        return 8 * self.bytes_s * BIT_J

    @property
    def load(self) -> float:
        """Share of one millimetre of edge."""
        return self.bytes_s / SHORE_BYTES_S_MM


def links(wave: Waveform, radar_hz: float, camera_hz: float) -> tuple[Link, ...]:
    """The chain's own: 16-bit I and Q, the network's 8-bit picture and its maps, and as many points
    and boxes as may be.

    radar_hz, camera_hz: frames a second.
    """
    front, radar, image, network, host = DIES
    cube = math.prod(wave.shape) * 2 * 2
    return (
        Link(front, radar, cube * radar_hz),
        Link(radar, host, CAPACITY * len(COLUMNS) * 4 * radar_hz),
        Link(image, network, math.prod(PIXELS) * camera_hz),
        Link(network, host, (math.prod(MAPS) * 4 + MOST * ROW * 4) * camera_hz),
    )


def room_mm(count: int, side_mm: float) -> tuple[float, float]:
    """The largest sides that `count` equal dies may have in a square package; (0, 0) for none."""
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    sides = [(side_mm - 2 * EDGE_MM - (n - 1) * GAP_MM) / n for n in (across, down)]
    return (sides[0], sides[1]) if min(sides) > 0 else (0.0, 0.0)
