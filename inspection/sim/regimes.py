"""What differs between the simulator that teaches and the one that judges.

They draw other seeds, other texture families (Gaussian fields against sums of grooves and bumps,
and another font on the resistors), other station misalignments and other room light; the lens'
blur and the noise of the judged frames are the camera driver's, those of training are its own.

`varied` and `calibrate_varied` differ from `train` and `calibrate` in e-ink alone: its capsules are
separate patches, as the judged ones are, but bricks or the basins of a random field, where those
are Voronoi cells. `stations` is `varied` on machines that differ as `sim.stations` may: lamps from
the side turned, unequal, and of another colour.
"""

from __future__ import annotations

from dataclasses import dataclass

from inspection.sim.station import Tolerance
from inspection.sim.surface import Family, Patches


@dataclass(frozen=True, slots=True)
class Regime:
    """family, widen, patches: see `surface.Draw`. room: range of the room light as a fraction of
    what the strobes make of a white surface. colour: range of what a body scatters of the light,
    relative to the drawing's; what a skin mirrors has no colour."""

    family: Family
    widen: float
    tolerance: Tolerance
    room: tuple[float, float]
    patches: tuple[Patches, ...] = ("grain",)
    colour: tuple[float, float] = (1.0, 1.0)


EVERY: tuple[Patches, ...] = ("grain", "bricks", "basins")
REGIMES = {
    "train": Regime("spectral", 1.6, Tolerance(3.0, 0.15), (0.0, 0.15)),
    "varied": Regime("spectral", 1.6, Tolerance(3.0, 0.15), (0.0, 0.15), EVERY),
    "stations": Regime(
        "spectral", 1.6, Tolerance(3.0, 0.4, turn_deg=25.0), (0.0, 0.15), EVERY, (0.7, 1.4)
    ),
    "calibrate": Regime("spectral", 1.0, Tolerance(1.5, 0.08), (0.0, 0.10)),
    "calibrate_varied": Regime("spectral", 1.0, Tolerance(1.5, 0.08), (0.0, 0.10), EVERY[1:]),
    "judge": Regime("event", 1.0, Tolerance(1.5, 0.08), (0.0, 0.10)),
}
