"""S4-D4-K1, integrity: what is stated of fixes and errors, against what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from common.acceptance.statistics import clopper_pearson, upper_bound

if TYPE_CHECKING:
    from positioning.gnss.integrity.calibrate import Evidence
    from positioning.gnss.integrity.reliability import Bin

F64 = NDArray[np.float64]

RISK, GAP = 1e-3, 0.01
BLOCK = 25  # epochs, 5 s: for so long reflections last
_SHOWN = 400
METHOD = (
    "Simulated streets, the drives of the coupled estimate (canyon, avenue, viaduct), whose seeds "
    "are none of those that the published calibration comes from; the simulator is the same. "
)
MISLED = Indicator(
    id="S4-D4-K1/integrity-misled",
    claim="At most 0.1 % of epochs are further off than the protection level, flat or vertical.",
    guide="定位精度达到分米级", unit="fraction", comparator="<=", target=RISK, evidence="simulated",
    method=METHOD + "Share of all epochs; bounds by resampling drives, without any event those of "
    "independent blocks of 5 s.",
)  # fmt: skip
LIVE = Indicator(
    id="S4-D4-K1/integrity-misled-realtime",
    claim="In real time at most 0.1 % of placed epochs are further off than the protection level.",
    guide="定位精度达到分米级", unit="fraction", comparator="<=", target=RISK, evidence="simulated",
    method="Simulated streets, the drives of the real-time row, whose seeds are none of those that "
    "the published calibration of real time comes from; the simulator is the same. Flat or "
    "vertical; epochs before a drive's first fix have factors of their own. Bounds as in batch.",
)  # fmt: skip
STATED = Indicator(
    id="S4-D4-K1/integrity-stated",
    claim="Stated and observed probability of a wrong fix are at most 0.01 apart.",
    guide="定位精度达到分米级", unit="fraction", comparator="<=", target=GAP, evidence="simulated",
    method=METHOD + "All fixes that RTK tells, wrong where over 0.5 m off; mean distance of the "
    "two over bins of stated probability, weighted by fixes. Upper bound: the wider of resampled "
    "drives and of each bin's exact interval, were stretches of 5 s of fixes independent.",
)  # fmt: skip


def rows(drives: Sequence[Evidence], seed: int) -> dict[str, Measurement]:
    """Both rows of drives that were solved."""
    from positioning.gnss.integrity.assess import read
    from positioning.gnss.integrity.calibrate import together
    from positioning.gnss.integrity.reliability import levels_of, stated

    made, told = read(), together(drives)
    drive = np.repeat(np.arange(len(drives)), [len(d.is_fix) for d in drives])
    wrong, fix = told.is_wrong[told.is_fix].astype(np.float64), told.is_fix
    measured = {MISLED.id: _misled(told, levels_of(made, told), drive, seed)}
    measured[STATED.id] = not_measured("simulated: RTK fixed not one epoch of these drives")
    if fix.any():
        measured[STATED.id] = _stated(stated(made, told), wrong, drive[fix], seed)
    return measured


def live(drives: Sequence[Evidence], seed: int) -> dict[str, Measurement]:
    """The row of real time."""
    from positioning.gnss.integrity.assess import read
    from positioning.gnss.integrity.calibrate import together
    from positioning.gnss.integrity.reliability import levels_of

    made, told = read("realtime"), together(drives)
    drive = np.repeat(np.arange(len(drives)), [len(d.is_fix) for d in drives])
    return {LIVE.id: _misled(told, levels_of(made, told), drive, seed)}


def _misled(told: Evidence, level_m: F64, drive: NDArray[np.int64], seed: int) -> Measurement:
    out: F64 = np.any(told.errors_m > level_m, axis=1).astype(np.float64)
    share, count = float(out.mean()), len(np.unique(drive))
    low, high = _bounds(lambda i: float(out[i].mean()), drive, seed)
    blocks = sum(-(-int(n) // BLOCK) for n in np.bincount(drive))
    if share == 0:
        high = upper_bound(0, blocks)
    middle, most = np.percentile(level_m[:, 0], [50, 95])
    note = (
        f"{int(out.sum())} of {len(out)} epochs of {count} drives ({blocks} blocks); horizontal "
        f"level {middle:.2f} m in the middle, {most:.2f} m at 95 %"
    )
    figure = _against(told.errors_m[:, 0], level_m[:, 0])
    low, high = min(low, share), max(high, share)
    return Measurement(share, low, high, count, content_hash(level_m), note, (figure,))


def _stated(p: F64, wrong: F64, drive: NDArray[np.int64], seed: int) -> Measurement:
    from positioning.gnss.integrity.reliability import table

    bins = table(p, wrong)
    gap = _gap(bins)
    low, high = _bounds(lambda i: _gap(table(p[i], wrong[i])), drive, seed)
    count = len(np.unique(drive))
    note = (
        f"{int(wrong.sum())} of {len(p)} fixes are wrong ({wrong.mean():.2%}), stated are "
        f"{p.mean():.2%}; {count} drives with fixes"
    )
    low, high = min(low, gap), max(high, gap, _widest(bins))
    return Measurement(gap, low, high, count, content_hash(p), note, (_reliability(bins),))


def _gap(bins: Sequence[Bin]) -> float:
    fixes = sum(part.fixes for part in bins)
    return sum(part.fixes * abs(part.stated - part.observed) for part in bins) / fixes


def _widest(bins: Sequence[Bin]) -> float:
    """The gap where every bin's true rate is as far off as its stretches of fixes allow.

    Few drives without a wrong fix look alike however they are drawn: only their number bounds it.
    """
    fixes = sum(part.fixes for part in bins)
    return (
        sum(part.fixes * max(abs(part.stated - e) for e in _edges(part)) for part in bins) / fixes
    )


def _edges(part: Bin) -> tuple[float, float]:
    """Exact two-sided interval of a bin's rate; fixes of a stretch count as one."""
    stretches = -(-part.fixes // BLOCK)
    low, _ = clopper_pearson(int(np.floor(part.observed * stretches)), stretches)
    _, high = clopper_pearson(int(np.ceil(part.observed * stretches)), stretches)
    return low, high


def _bounds(statistic: object, drive: NDArray[np.int64], seed: int) -> tuple[float, float]:
    assert callable(statistic)
    if len(np.unique(drive)) < 2:
        value = float(statistic(np.arange(len(drive))))
        return value, value
    return bootstrap(statistic, len(drive), seed=seed, clusters=drive, resamples=400)


def _reliability(bins: Sequence[Bin]) -> Plot:
    """Observed with the two-sided interval that independent stretches of 5 s would have."""
    x = [part.stated for part in bins]
    y = [part.observed for part in bins]
    edges = [_edges(part) for part in bins]
    line = np.geomspace(1e-4, 1.0, 60)
    series = (
        Series("fixes by stated probability", x, y, [e[0] for e in edges], [e[1] for e in edges],
               kind="points"),
        Series("stated = observed", line, line),
    )  # fmt: skip
    title = "Probability of a wrong fix, stated against observed"
    return Plot(title, "stated", "observed", series, x_log=True)


def _against(error_m: F64, level_m: F64) -> Plot:
    thin = slice(None, None, max(1, len(error_m) // _SHOWN))
    low, high = 1e-3, float(max(error_m.max(), level_m.max()))
    line = np.geomspace(low, high, 60)
    out = error_m > level_m
    series = [
        Series("epochs", np.maximum(error_m[thin], low), level_m[thin], kind="points"),
        Series("error = level", line, line),
    ]
    if out.any():
        series.append(Series("misled", error_m[out][:_SHOWN], level_m[out][:_SHOWN], kind="points"))
    return Plot(
        "Horizontal error and protection level", "error, m", "level, m", tuple(series),
        x_log=True, y_log=True,
    )  # fmt: skip
