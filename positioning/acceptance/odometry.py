"""S4-D4-R1, real streets: what a car's odometry adds to single point in Berlin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from positioning.acceptance.streets import BERLIN_BEGIN, BLOCK_S, CITIES, GUIDE

if TYPE_CHECKING:
    from positioning.gnss.coupled.solve import Vehicle
    from positioning.gnss.formats.truth import Truth
    from positioning.gnss.observations import Observations
    from positioning.gnss.orbits.broadcast import BroadcastOrbits

F64 = NDArray[np.float64]

BERLIN = CITIES[0]
RECORD = "gnss_berlin/dev/Input.txt"
METHOD = (
    "No base. Satellites, wheel speed and turn rate as one estimate over the whole recording "
    "(batch), beside single point of the same epochs by satellites alone, also batch; horizontal "
    "error at every epoch of the development part's truth, on which it was decided that Doppler is "
    "left to single point. Bounds: bootstrap of 30 s blocks."
)


def _row(suffix: str, claim: str) -> Indicator:
    return Indicator(
        id=f"S4-D4-R1/berlin-odometry-{suffix}",
        claim=f"Berlin: with odometry the horizontal {claim} is not above GNSS's alone.",
        guide=GUIDE, unit="ratio", comparator="<=", target=1.0,
        evidence="public-data", method=METHOD,
    )  # fmt: skip


RMS, TAIL = _row("rms", "RMS error"), _row("95", "error at 95 %")


class Recording(NamedTuple):
    """A drive's observations, orbits, the car's odometry, and the truth."""

    observed: Observations
    orbits: BroadcastOrbits
    vehicle: Vehicle
    truth: Truth


def odometry(path: Path, begin_s: float) -> tuple[F64, F64, F64]:
    """Times (T,), GPS seconds since 1980, forward speed m/s and turn rate rad/s of a text of
    smartLoc, whose times count from begin_s."""
    lines = path.read_text(encoding="ascii").splitlines()
    told = np.array([line.split()[1:8] for line in lines if line.startswith("odom3")], np.float64)
    return begin_s + told[:, 0], told[:, 1], told[:, 6]


def recording(root: Path) -> Recording:
    """Berlin, the epochs of the development part."""
    from positioning.gnss.coupled.rows import WEEK_S
    from positioning.gnss.coupled.sensors import from_odometry
    from positioning.gnss.coupled.solve import Vehicle
    from positioning.gnss.formats import truth
    from positioning.gnss.formats.detect import read_navigation, read_observations
    from positioning.gnss.orbits.broadcast import BroadcastOrbits

    week, tow = BERLIN_BEGIN
    time_s, speed_mps, turn_radps = odometry(root / RECORD, week * WEEK_S + tow)
    observed = read_observations(root / BERLIN.observations)
    last = np.searchsorted(observed.week * WEEK_S + observed.tow_s, time_s[-1] + 0.05)
    inertial, wheels = from_odometry(time_s, speed_mps, turn_radps)
    return Recording(
        observed.epochs(0, int(last)),
        BroadcastOrbits(read_navigation([root / name for name in BERLIN.navigation])),
        Vehicle(inertial, wheels, np.zeros(3)), truth.read(root / BERLIN.truth, BERLIN.begin),
    )  # fmt: skip


def compared(given: Recording) -> tuple[F64, F64]:
    """Horizontal errors (E,) m of the expected epochs, with odometry and without; NaN if none."""
    from positioning.gnss.coupled.sensors import ODOMETRY
    from positioning.gnss.coupled.solve import solve as together
    from positioning.gnss.score import errors
    from positioning.gnss.single.solve import solve as alone

    drive = (given.observed, given.orbits)
    coupled = together(*drive, given.vehicle, settings=ODOMETRY).solution
    found = [
        errors(solution, given.truth, tolerance_s=0.06).enu_m
        for solution in (coupled, alone(*drive, mode="batch"))
    ]
    return np.hypot(*found[0][:, :2].T), np.hypot(*found[1][:, :2].T)


def measure(context: Context) -> Mapping[str, Measurement]:
    """Both ratios."""
    root, names = context.data_root, (BERLIN.observations, *BERLIN.navigation, BERLIN.truth, RECORD)
    paths = [] if root is None else [root / name for name in names]
    if root is None or not all(path.is_file() for path in paths):
        none = not_measured("public-data: the set of berlin is not there")
        return {RMS.id: none, TAIL.id: none}
    given = recording(root)
    context.progress(0, 2, "berlin with odometry")
    ours, alone = compared(given)
    note = _told(ours, alone)
    context.progress(1, 2, "bounds")
    time_s = given.truth.time_s
    block = ((time_s - time_s[0]) // BLOCK_S).astype(np.int64)
    measured = {}
    for row, statistic in ((RMS, _rms), (TAIL, _p95)):
        bounds = _ratio(statistic, ours, alone, block, context.seed)
        measured[row.id] = Measurement(
            *bounds, int(block[-1]) + 1, context.data_hash(paths), note, (_plot(ours, alone),)
        )
    return measured


def _ratio(
    statistic: Callable[[F64], float], ours: F64, alone: F64, block: NDArray[np.int64], seed: int
) -> tuple[float, float, float]:
    """Of the two, with bounds over blocks drawn again."""

    def of(index: NDArray[np.int64]) -> float:
        return statistic(ours[index]) / statistic(alone[index])

    whole = of(np.arange(len(ours)))
    low, high = bootstrap(of, len(ours), seed=seed, clusters=block, resamples=500)
    return whole, min(low, whole), max(high, whole)


def _told(ours: F64, alone: F64) -> str:
    pairs = (f"{_rms(x):.2f} m RMS, {_p95(x):.2f} m at 95 %" for x in (ours, alone))
    return " with odometry, ".join(pairs) + f" by GNSS alone, {len(ours)} epochs"


def _rms(error_m: F64) -> float:
    return float(np.sqrt(np.mean(_missing(error_m) ** 2)))


def _p95(error_m: F64) -> float:
    return float(np.quantile(_missing(error_m), 0.95, method="higher"))


def _missing(error_m: F64) -> F64:
    """A missing epoch is worse than all others."""
    return np.where(np.isnan(error_m), 1e9, error_m)


def _plot(ours: F64, alone: F64) -> Plot:
    share = np.arange(1, len(ours) + 1) / len(ours)
    series = tuple(
        Series(name, np.maximum(np.sort(_missing(x)), 0.01), share, kind="step")
        for name, x in (("with odometry", ours), ("GNSS alone", alone))
    )
    title = "Berlin, horizontal error over the expected epochs"
    return Plot(title, "horizontal error, m", "share of epochs", series, x_log=True)


EXPERIMENTS = (Experiment("berlin-odometry", (RMS, TAIL), measure),)
