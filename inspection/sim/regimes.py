"""What differs between the simulator that teaches and the one that judges.

They draw other seeds, other texture families (Gaussian fields against sums of grooves and bumps,
and another font on the resistors), other station misalignments and other room light; the lens'
blur and the noise of the judged frames are the camera driver's, those of training are its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from inspection.sim.station import Tolerance
from inspection.sim.surface import Family


@dataclass(frozen=True, slots=True)
class Regime:
    """family, widen: see `surface.Draw`. room: range of the room light as a fraction of what the
    strobes make of a white surface."""

    family: Family
    widen: float
    tolerance: Tolerance
    room: tuple[float, float]


REGIMES = {
    "train": Regime("spectral", 1.6, Tolerance(3.0, 0.15), (0.0, 0.15)),
    "calibrate": Regime("spectral", 1.0, Tolerance(1.5, 0.08), (0.0, 0.10)),
    "judge": Regime("event", 1.0, Tolerance(1.5, 0.08), (0.0, 0.10)),
}
