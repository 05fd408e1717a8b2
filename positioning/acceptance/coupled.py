"""S4-D4-K1, position in city streets: GNSS, inertial sensor and wheels as one estimate.

Simulated cities, drives whose seeds were used for nothing else. RTKLIB, b34 and demo5, solves the
same files beside it, by GNSS alone as it does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured, rate, resampled
from common.acceptance.resampling import bootstrap
from positioning.acceptance import integrity, peers
from positioning.acceptance.peers import Peer

if TYPE_CHECKING:
    from positioning.gnss.integrity.calibrate import Evidence

F64 = NDArray[np.float64]

GUIDE = "定位精度达到分米级"
LAYOUTS = ("canyon", "avenue", "viaduct")
DRIVES = {"quick": (1, 120.0), "full": (10, 300.0)}
FOLLOWED = {"quick": (1, 60.0), "full": (10, 300.0)}  # the same in real time
ALL_M, FIXED_M, WRONG, PACE = 0.5, 0.15, 0.01, 20.0
NEAR_M = 0.1  # a decimetre
MISSING_M = 1e3  # of an epoch without a position: worse than any there is
_STRETCH = 25  # epochs: 5 s, over which the errors of a fix belong together
_WRONG_M = 0.5
_SHOWN_M = np.geomspace(0.003, 100.0, 60)
METHOD = (
    "Simulated streets, GPS, Galileo and BDS-3 on two bands at 5 Hz, a base 3.6 km away, a MEMS "
    "inertial sensor and wheel speed. Horizontal error at every epoch of the drive, 95th "
    "percentile; bounds by resampling drives. All measurements of the drive are used (batch); RTK "
    "is told where the rest of the drive expects the antenna."
)


def _row(
    suffix: str, claim: str, unit: str, comparator: Literal["<=", ">="], target: float
) -> Indicator:
    return Indicator(
        id=f"S4-D4-K1/{suffix}", claim=claim, guide=GUIDE, unit=unit, comparator=comparator,
        target=target, evidence="simulated", method=METHOD,
    )  # fmt: skip


ALL = {
    name: _row(name, f"{name}: 95 % of all epochs are within {ALL_M} m.", "m", "<=", ALL_M)
    for name in LAYOUTS
}
FIXED = {
    name: _row(
        f"{name}-fixed", f"{name}: 95 % of fixed epochs are within {FIXED_M} m.", "m", "<=", FIXED_M
    )
    for name in LAYOUTS
}
FALSE = {
    name: _row(
        f"{name}-wrong-fixes", f"{name}: at most 1 % of fixes are over 0.5 m off.", "fraction",
        "<=", WRONG,
    )
    for name in LAYOUTS
}  # fmt: skip
SPEED = _row(
    "real-time-factor", "One core solves 5 Hz in real time at least 20 times as fast as driven.",
    "1", ">=", PACE,
)  # fmt: skip


FOLLOWING = Indicator(
    id="S4-D4-K1/realtime",
    claim=f"In real time 95 % of all epochs in these cities are within {ALL_M} m.",
    guide=GUIDE, unit="m", comparator="<=", target=ALL_M, evidence="simulated",
    method="As in batch, each epoch from the measurements up to it (fixed lag of 10 s), canyon, "
    "avenue and viaduct together; the time before a drive's first fix counts, and an epoch "
    "without a position as an error of 1 km. RTK is told where the sensors expect the antenna.",
)  # fmt: skip


class Driven(NamedTuple):
    """One drive: errors (E,) m of the coupled estimate, three-dimensional ones, which are fixed;
    of RTK by itself; RTKLIB's by name; what integrity is judged by."""

    horizontal_m: F64
    full_m: F64
    fixed: NDArray[np.bool_]
    rtk_m: F64
    beside: Mapping[str, Peer]
    about: Evidence


def cities(context: Context) -> Mapping[str, Measurement]:
    """Drives of all kinds of city; integrity over all of them."""
    count, duration_s = DRIVES[context.size]
    measured: dict[str, Measurement] = {}
    everything: list[Driven] = []
    for layout in LAYOUTS:
        drives = []
        for d in range(count):
            folder = context.scratch / f"{layout}-{d}"
            drives.append(_driven(layout, 7_000_000 + 1000 * context.seed + d, duration_s, folder))
            done = len(everything) + len(drives)
            context.progress(done, count * len(LAYOUTS), f"drives, {layout}")
        measured |= _city(layout, drives, context.seed)
        everything += drives
    return measured | integrity.rows([drive.about for drive in everything], context.seed)


def _city(layout: str, drives: list[Driven], seed: int) -> dict[str, Measurement]:
    label = np.concatenate([np.full(len(d.horizontal_m), k) for k, d in enumerate(drives)])
    off, full = (
        np.concatenate([getattr(d, n) for d in drives]) for n in ("horizontal_m", "full_m")
    )
    fixed = np.concatenate([d.fixed for d in drives])
    digest = content_hash(off)
    figure, rtklib = _beside(layout, drives)
    half, most, nearly = np.percentile(off, [50, 68, 99])
    near, far = float((off <= NEAR_M).mean()), off > ALL_M
    stretches = int((np.diff(far.astype(np.int8), prepend=0) == 1).sum())
    note = (
        f"50 / 68 / 99 %: {half:.3f} / {most:.3f} / {nearly:.3f} m, within {NEAR_M} m {near:.1%}, "
        f"worst {off.max():.2f} m, {far.sum()} epochs in {stretches} stretches over {ALL_M} m; "
        f"{len(drives)} drives; {rtklib}"
    )
    measured = {
        ALL[layout].id: _quantity(_p95, off, label, digest, note, seed, (figure,)),
    }
    none = not_measured("simulated: not one epoch of these drives is fixed")
    measured[FIXED[layout].id] = measured[FALSE[layout].id] = none
    if fixed.any():
        share = f"{fixed.mean():.0%} of epochs are fixed, {fixed.sum()}"
        held, wrong = off[fixed], (full[fixed] > _WRONG_M).astype(np.float64)
        given = (label[fixed], digest, share, seed)
        measured[FIXED[layout].id] = _quantity(_p95, held, *given)
        measured[FALSE[layout].id] = (
            _quantity(np.mean, wrong, *given)
            if wrong.any()
            else _none_wrong(len(wrong), *given[1:3])
        )
    return measured


def _p95(values: F64) -> float:
    return float(np.percentile(values, 95, method="higher"))


def _quantity(
    statistic: object, values: F64, label: NDArray[np.int64], digest: str, note: str, seed: int,
    figures: tuple[Plot, ...] = (),
) -> Measurement:  # fmt: skip
    """A statistic with bounds over drives; n counts drives, for epochs are not independent."""
    assert callable(statistic)
    value, drives = float(statistic(values)), len(np.unique(label))
    bounds = bootstrap(
        lambda i: float(statistic(values[i])), len(values), seed=seed, clusters=label,
        resamples=400,
    )  # fmt: skip
    return resampled(value, bounds, drives, digest, note, figures)


def _none_wrong(fixes: int, digest: str, note: str) -> Measurement:
    """Not one wrong fix: drawing again shows no spread, so stretches of fixes are counted."""
    stretches = max(1, fixes // _STRETCH)
    told = f"{note}, none wrong; n counts stretches of {_STRETCH} fixes, taken as independent"
    return rate(0, stretches, digest, told)


def _driven(layout: str, seed: int, duration_s: float, folder: Path) -> Driven:
    from positioning.gnss.integrity.simulated import errors_m, evidence, rtk_alone, run
    from positioning.gnss.orbits.broadcast import BroadcastOrbits
    from positioning.gnss.solution import Quality
    from positioning.gnss.variance.network import unseen, variances

    drive, rtk, about, coupled = run(layout, seed, duration_s)
    off = errors_m(coupled.solution.position_m, drive)
    orbits = BroadcastOrbits(drive.navigation)
    learned = variances(drive.rover, orbits, unseen(layout))
    alone = errors_m(rtk_alone(drive, orbits, learned)[0].position_m, drive)
    return Driven(
        np.hypot(off[:, 0], off[:, 1]), np.linalg.norm(off, axis=1),
        coupled.solution.quality == Quality.FIX, np.hypot(alone[:, 0], alone[:, 1]),
        peers.solved(drive, folder), evidence(drive, rtk, about, coupled),
    )  # fmt: skip


def _beside(layout: str, drives: list[Driven]) -> tuple[Plot, str]:
    """Shares of epochs by error, beside RTK alone and RTKLIB; and these in words."""
    names = [name for name in (peers.B34, peers.DEMO5) if all(name in d.beside for d in drives)]
    sets = {"coupled": [d.horizontal_m for d in drives], "RTK alone": [d.rtk_m for d in drives]}
    sets |= {name: [d.beside[name].horizontal_m for d in drives] for name in names}
    every = {name: np.concatenate(x) for name, x in sets.items()}
    joined = {name: np.where(np.isnan(x), np.inf, x) for name, x in every.items()}
    series = tuple(
        Series(name, _SHOWN_M, [float((x <= m).mean()) for m in _SHOWN_M], kind="step")
        for name, x in joined.items()
    )
    plot = Plot(
        f"Epochs within an error, {layout}", "horizontal error [m]", "share of all epochs", series,
        x_log=True, lines=(ReferenceLine("target at 0.95", ALL_M, axis="x"),),
    )  # fmt: skip
    within = ", ".join(f"{name} {float((x <= ALL_M).mean()):.1%}" for name, x in joined.items())
    words = [f"within {ALL_M} m: {within}"]
    for name in names:
        fixed, wrong = (sum(int(getattr(d.beside[name], n).sum()) for d in drives)
                        for n in ("fixed", "wrong"))  # fmt: skip
        there, tail = float(np.isfinite(joined[name]).mean()), _p95(joined[name])
        most = f", 95 % {tail:.2f} m" if np.isfinite(tail) else ""
        words.append(f"{name} places {there:.0%}{most}, {wrong} of {fixed} fixes wrong")
    if len(names) < 2:
        words.append("RTKLIB is not installed in both versions: apt-get install rtklib, pyrtklib5")
    return plot, "; ".join(words)


def following(context: Context) -> Mapping[str, Measurement]:
    """Drives in real time, over all cities; what comes after each one's first fix is noted."""
    from positioning.gnss.integrity.simulated import errors_m, evidence, run
    from positioning.gnss.solution import Quality

    count, duration_s = FOLLOWED[context.size]
    errors: list[F64] = []
    later: list[F64] = []
    about: list[Evidence] = []
    for layout in LAYOUTS:
        for d in range(count):
            seed = 7_600_000 + 1000 * context.seed + d
            drive, rtk, told, coupled = run(layout, seed, duration_s, "realtime")
            about.append(evidence(drive, rtk, told, coupled, "realtime"))
            off = errors_m(coupled.solution.position_m, drive)
            errors.append(np.nan_to_num(np.hypot(off[:, 0], off[:, 1]), nan=MISSING_M))
            is_fixed = np.cumsum(coupled.solution.quality == Quality.FIX) > 0
            later.append(errors[-1][is_fixed])
            context.progress(len(errors), count * len(LAYOUTS), f"drives in real time, {layout}")
    off, after = np.concatenate(errors), np.concatenate(later)
    label = np.repeat(np.arange(len(errors)), [len(e) for e in errors])
    half, most = np.percentile(off, [50, 68])
    share = f"{len(after) / len(off):.0%} of epochs come after the first fix"
    if len(after):
        share += f", 95 % of them within {_p95(after):.3f} m"
    note = f"50 / 68 %: {half:.3f} / {most:.3f} m; {share}"
    figure = Plot(
        "Epochs within an error, in real time", "horizontal error [m]", "share of all epochs",
        tuple(
            Series(name, _SHOWN_M, [float((x <= m).mean()) for m in _SHOWN_M], kind="step")
            for name, x in (("all", off), ("after the first fix", after)) if len(x)
        ),
        x_log=True, lines=(ReferenceLine("target at 0.95", ALL_M, axis="x"),),
    )  # fmt: skip
    digest = content_hash(off)
    row = _quantity(_p95, off, label, digest, note, context.seed, (figure,))
    return {FOLLOWING.id: row} | integrity.live(about, context.seed)


def pace(context: Context) -> Mapping[str, Measurement]:
    """CPU time of RTK and the real-time estimate together, compilation apart."""
    from positioning.gnss.integrity.simulated import solved
    from positioning.sim.gnss.scenario import Scenario, simulate

    duration_s = 30.0 if context.size == "quick" else 200.0
    drive = simulate(Scenario(layout="avenue", seed=7_500_000, duration_s=duration_s))
    solved(drive, "realtime")
    begun = time.process_time()
    solved(drive, "realtime")
    factor = duration_s / (time.process_time() - begun)
    note = "RTK, single point and the fixed-lag estimate, one thread, simulated drive"
    digest = content_hash(drive.rover.code_m)
    return {SPEED.id: exact(factor, len(drive.rover), digest, note)}


ROWS = tuple(row[name] for name in LAYOUTS for row in (ALL, FIXED, FALSE))
EXPERIMENTS = (
    Experiment("coupled-cities", (*ROWS, integrity.MISLED, integrity.STATED), cities),
    Experiment("coupled-real-time", (FOLLOWING, integrity.LIVE), following),
    Experiment("coupled-pace", (SPEED,), pace, exclusive=True),
)
