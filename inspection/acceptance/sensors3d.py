"""Three-dimensional sensors: height against truth, and whether the uncertainty they tell is so.

Each sensor is simulated from projector, laser or lens to the camera's frames, calibrated by a plane
on a stage, and reconstructs parts of known shape (planes, steps, spheres, rough surfaces) in four
finishes, and real surfaces that profilers measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from common.types.heightmap import HeightMap
from inspection.acceptance import sensors3d_figures as figures

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.relief.gauges import Gauge

RMSE_UM = 3.0
COVERED = 0.95
WITHIN = 2.0  # standard uncertainties
GUIDE = "高分辨3D缺陷成像"
SENSORS = {
    "fringe": "Fringe projection, 3 x 4 frames of 8 bits, pinhole projector at 30 degrees",
    "laser-line": "Laser line at 405 nm, camera at 35 degrees, one profile each 5 um of belt",
    "focus": "Focus variation, 31 frames 8 um apart, aperture 0.25",
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """side_px of a part; parts of each kind; real parts."""

    side_px: int
    each: int
    real: int


SIZES = {
    "quick": {
        "fringe": Numbers(320, 3, 6),
        "laser-line": Numbers(96, 2, 3),
        "focus": Numbers(160, 2, 4),
    },
    "full": {
        "fringe": Numbers(1024, 12, 24),
        "laser-line": Numbers(256, 8, 12),
        "focus": Numbers(512, 8, 12),
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A part and what the sensor made of it."""

    gauge: Gauge
    seen: HeightMap

    @property
    def error_um(self) -> NDArray[np.float32]:
        """(H, W), NaN where nothing was seen."""
        return self.seen.height_um - self.gauge.target.height_um

    @property
    def errors(self) -> NDArray[np.float64]:
        """Of the points seen, um."""
        return self.error_um[self.seen.valid].astype(np.float64)

    @property
    def ratios(self) -> NDArray[np.float64]:
        """Errors in units of the uncertainty that was told."""
        assert self.seen.sigma_um is not None
        return self.errors / self.seen.sigma_um[self.seen.valid]


def measure(sensor: str, context: Context) -> Mapping[str, Measurement]:
    """The rows of one sensor."""
    numbers = SIZES[context.size][sensor]
    known = judge(sensor, _known(numbers, context.seed), context, 4 * numbers.each)
    digest = content_hash(sensor, repr(numbers), context.seed)
    found = {
        f"S4-D2-R1/{sensor}": _rmse(known, digest, context.seed, figures.shown(known)),
        f"S4-D2-R1/{sensor}-coverage": _coverage(known, digest, context.seed),
    }
    return {**found, f"S4-D2-R1/{sensor}-real": _real_row(sensor, numbers, context)}


def judge(sensor: str, gauges: Iterator[Gauge], context: Context, total: int) -> list[Judged]:
    """Each part through the sensor."""
    from inspection.sim.relief.sensors import SENSORS as MEASURE

    found = []
    for i, gauge in enumerate(gauges):
        rng = np.random.default_rng([context.seed, 11, i])
        found.append(Judged(gauge, MEASURE[sensor](gauge.target, rng)))
        context.progress(i + 1, total, f"{sensor}, parts")
    return found


def _known(numbers: Numbers, seed: int) -> Iterator[Gauge]:
    from inspection.sim.relief.gauges import KINDS, draw

    for i, kind in enumerate(KINDS * numbers.each):
        yield draw(kind, numbers.side_px, np.random.default_rng([seed, 12, i]))


def _real_row(sensor: str, numbers: Numbers, context: Context) -> Measurement:
    from inspection.sim.relief import topographies

    folder = None if context.data_root is None else context.data_root / topographies.DATA / "files"
    if folder is None or not folder.is_dir():
        return not_measured(
            f"the data set {topographies.DATA} is absent: name the folder of data sets in "
            "LINGNAN_DATA"
        )
    files = [folder / name for name in topographies.FILES]
    gauges = _real(sensor, numbers, context.seed, [*files])
    known = judge(sensor, gauges, context, numbers.real)
    return _rmse(known, context.data_hash(files), context.seed, figures.shown(known))


def _real(sensor: str, numbers: Numbers, seed: int, files: Sequence[object]) -> Iterator[Gauge]:
    """Pieces of the files in turn, those alone that lie within the sensor's range."""
    from pathlib import Path

    from inspection.sim.relief import topographies
    from inspection.sim.relief.gauges import UM_PER_PX, Gauge, finished

    rng = np.random.default_rng([seed, 13])
    side, most = min(numbers.side_px, REAL_SIDE_PX), 80.0 if sensor == "focus" else 250.0
    piles = []
    for path in files:
        assert isinstance(path, Path)
        pieces = topographies.parts(path, UM_PER_PX, side)
        fitting = [piece for piece in pieces if float(np.abs(piece).max()) < most]
        rng.shuffle(fitting)
        piles.append(iter(fitting))
    turns = (next(pile, None) for pile in cycle(piles))
    pieces_in_turn = (piece for piece in islice(turns, 40 * numbers.real) if piece is not None)
    for height in islice(pieces_in_turn, numbers.real):
        yield Gauge("real", *finished(height, rng))


REAL_SIDE_PX = 96  # the smallest of the real maps has no more


def _rmse(
    found: Sequence[Judged], digest: str, seed: int, shown: tuple[figures.Figure, ...]
) -> Measurement:
    """Root mean square error over all points seen, bootstrap over parts."""
    squares = np.array([np.sum(one.errors**2) for one in found])
    counts = np.array([one.errors.size for one in found], float)

    def rmse(chosen: NDArray[np.int64]) -> float:
        return float(np.sqrt(squares[chosen].sum() / counts[chosen].sum()))

    low, high = bootstrap(rmse, len(found), seed=seed)
    value = rmse(np.arange(len(found)))
    return Measurement(value, low, high, len(found), digest, _told(found), shown)


def _told(found: Sequence[Judged]) -> str:
    """What stands beside the number."""
    side = found[0].seen.width_px
    unseen = 1 - np.mean([one.seen.valid.mean() for one in found])
    worst = max(float(np.abs(one.errors).max()) for one in found)
    text = f"field {side * 5e-3:.2f} mm square; {unseen:.2%} of the points not seen; "
    text += f"largest error {worst:.1f} um"
    for kind, off in figures.closed_forms(found).items():
        text += f"; {kind}"
        text += f" off by {np.mean(off):+.3f} um on average, {np.abs(off).max():.3f} at most"
    return text


def _coverage(found: Sequence[Judged], digest: str, seed: int) -> Measurement:
    inside = np.array([np.count_nonzero(np.abs(one.ratios) <= WITHIN) for one in found])
    counts = np.array([one.errors.size for one in found], float)

    def share(chosen: NDArray[np.int64]) -> float:
        return float(inside[chosen].sum() / counts[chosen].sum())

    low, high = bootstrap(share, len(found), seed=seed)
    told = np.concatenate([one.seen.sigma_um[one.seen.valid] for one in found])  # type: ignore[index]
    note = f"uncertainty told: median {np.median(told):.2f} um; 95.45 % for a normal error"
    value = share(np.arange(len(found)))
    shown = (figures.reliability([one.ratios for one in found]),)
    return Measurement(value, low, high, len(found), digest, note, shown)


def indicators(sensor: str) -> tuple[Indicator, ...]:
    """The rows of one sensor."""
    how = f"{SENSORS[sensor]}, 5 um a point, simulated to the frames; calibrated by a plane at "
    how += "seven heights of a stage that is off by 0.1 um. "
    row = partial(Indicator, guide=GUIDE, evidence="simulated")
    return (
        row(
            id=f"S4-D2-R1/{sensor}",
            claim=f"Heights by {sensor} are within 3 um rms of the truth.",
            unit="um",
            comparator="<=",
            target=RMSE_UM,
            method=how + "Planes, steps, spheres, rough surfaces; matt, dark, glossy, metal.",
        ),
        row(
            id=f"S4-D2-R1/{sensor}-coverage",
            claim=f"Of heights by {sensor}, 95 % lie within two of their standard uncertainties.",
            unit="fraction",
            comparator=">=",
            target=COVERED,
            method=how + "Share of the points seen whose error is within two told uncertainties.",
        ),
        row(
            id=f"S4-D2-R1/{sensor}-real",
            claim=f"Heights by {sensor} of real surfaces are within 3 um rms of the truth.",
            unit="um",
            comparator="<=",
            target=RMSE_UM,
            method=how + "Height maps of real surfaces at their own scale, as parts.",
        ),
    )


EXPERIMENTS = tuple(
    Experiment(f"sensor-{sensor}", indicators(sensor), partial(measure, sensor))
    for sensor in SENSORS
)
