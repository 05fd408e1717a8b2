"""S4-D4-K1 and K2, simulated cities: RTK alone, by kind of surroundings, and its fixes.

The cities are drawn from seeds that nothing was made from or tuned on. Epochs of one drive belong
together: bounds are by drives, drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, resampled
from common.acceptance.resampling import bootstrap

F64 = NDArray[np.float64]

ACCURACY = "定位精度达到分米级"
CHIP = "城市复杂环境下RTK定位精度：小于0.15m"
KINDS = ("open", "street", "canyon", "trees", "viaduct")
LAYOUTS = ("open", "avenue", "canyon", "old-town", "trees", "viaduct")
DRIVES = {"quick": (2, 40.0), "full": (10, 240.0)}  # of each layout, and how long
SEED = 7_000_000
MISSING_M = 1e3  # of an epoch without a position: worse than any there is
HOW = (
    "RTK alone (no IMU, no wheel) of simulated drives, GPS + Galileo + BDS-3 on two frequencies at "
    "5 Hz, base some 3.6 km away; over the expected epochs within such surroundings, one that was "
    "not solved counts as an error of 1 km."
)
FIXES = HOW.split(";")[0] + "; over the epochs of all cities that were told to be fixed."


def _kind(kind: str) -> Indicator:
    return Indicator(
        id=f"S4-D4-K1/rtk-{kind}",
        claim=f"RTK alone, {kind}: 68 % of expected epochs are within a metre, horizontally.",
        guide=ACCURACY,
        unit="m",
        comparator="<=",
        target=1.0,
        evidence="simulated",
        method=HOW,
    )


BY_KIND = {kind: _kind(kind) for kind in KINDS}
FIXED = Indicator(
    id="S4-D4-K2/rtk-fixed-95",
    claim="Of the epochs that are told to be fixed 95 % are within 0.15 m, horizontally.",
    guide=CHIP,
    unit="m",
    comparator="<=",
    target=0.15,
    evidence="simulated",
    method=FIXES,
)
WRONG = Indicator(
    id="S4-D4-K2/rtk-wrong-fix",
    claim="At most 1 % of the fixes are wrong: more than 0.5 m from the truth.",
    guide=CHIP,
    unit="fraction",
    comparator="<=",
    target=0.01,
    evidence="simulated",
    method=FIXES,
)


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Epochs of one drive. error_m: (E, 3) east, north, up, NaN where missing. kind: (E,) index
    into KINDS. fixed: (E,)."""

    layout: str
    error_m: F64
    kind: NDArray[np.int8]
    fixed: NDArray[np.bool_]


def solved(layout: str, seed: int, duration_s: float) -> Solved:
    """One drive, simulated and solved by RTK alone."""
    from positioning.gnss.integrity.simulated import errors_m, rtk_alone
    from positioning.gnss.orbits.broadcast import BroadcastOrbits
    from positioning.gnss.solution import Quality
    from positioning.gnss.variance.network import unseen, variances
    from positioning.sim.gnss.scenario import Scenario, simulate

    drive = simulate(Scenario(layout=layout, seed=seed, duration_s=duration_s))
    orbits = BroadcastOrbits(drive.navigation)
    found, _ = rtk_alone(drive, orbits, variances(drive.rover, orbits, unseen(layout)))
    error = errors_m(found.position_m, drive)
    return Solved(layout, error, drive.kind, found.quality == Quality.FIX)


def measure(context: Context) -> Mapping[str, Measurement]:
    """All cities."""
    each, duration_s = DRIVES[context.size]
    drives: list[Solved] = []
    for k in range(each):
        for layout in LAYOUTS:
            seed = SEED + 10_000 * context.seed + 100 * k + LAYOUTS.index(layout)
            drives.append(solved(layout, seed, duration_s))
            context.progress(len(drives), each * len(LAYOUTS), "drives")
    rows = {BY_KIND[kind].id: _by_kind(drives, kind, context.seed) for kind in KINDS}
    return {**rows, **_fixes(drives, context.seed)}


def _by_kind(drives: list[Solved], kind: str, seed: int) -> Measurement:
    parts = [_horizontal(drive)[drive.kind == KINDS.index(kind)] for drive in drives]
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return not_measured(f"simulated: {len(parts)} drives came by such surroundings")
    error = np.concatenate(parts)
    bounds = _by_drives(parts, lambda e: _quantile(e, 0.68), seed)
    whole = _quantile(error, 0.68)
    spread = ", ".join(f"{_quantile(error, p):.2f}" for p in (0.5, 0.68, 0.95))
    note = (
        f"50/68/95 % {spread} m; {np.mean(error <= 0.15):.1%} within 0.15 m, "
        f"{np.mean(error <= 0.5):.1%} within 0.5 m of {len(error)} epochs of {len(parts)} drives"
    )
    plot = Plot(
        f"RTK alone, {kind}", "horizontal error, m", "share of expected epochs",
        (_curve(kind, error),), x_log=True, lines=(ReferenceLine("1 m", 1.0, axis="x"),),
    )  # fmt: skip
    return resampled(whole, bounds, len(parts), content_hash(error), note, (plot,))


def _fixes(drives: list[Solved], seed: int) -> dict[str, Measurement]:
    parts = [drive.error_m[drive.fixed] for drive in drives if drive.fixed.any()]
    expected = sum(len(drive.fixed) for drive in drives)
    if len(parts) < 2:
        return dict.fromkeys((FIXED.id, WRONG.id), not_measured("simulated: nothing was fixed"))
    flat = [np.hypot(part[:, 0], part[:, 1]) for part in parts]
    full = [np.linalg.norm(part, axis=1) for part in parts]
    count = sum(len(part) for part in parts)
    digest = content_hash(np.concatenate(parts))
    note = (
        f"{count} fixes of {expected} expected epochs ({count / expected:.1%}), {len(parts)} drives"
    )
    curves = [_curve(name, _pooled(drives, name)) for name in LAYOUTS]
    plot = Plot(
        "Fixed epochs, by city", "horizontal error, m", "share of fixes", tuple(curves),
        x_log=True, lines=(ReferenceLine("0.15 m", 0.15, axis="x"),),
    )  # fmt: skip
    bounds = _by_drives(flat, lambda e: _quantile(e, 0.95), seed)
    value = _quantile(np.concatenate(flat), 0.95)
    fixed = resampled(value, bounds, len(parts), digest, note, (plot,))
    bounds = _by_drives(full, _wrong, seed)
    share = _wrong(np.concatenate(full))
    by_city = ", ".join(f"{name} {_wrong_of(drives, name)}" for name in LAYOUTS)
    wrong = resampled(share, bounds, len(parts), digest, f"{note}; {by_city}")
    return {FIXED.id: fixed, WRONG.id: wrong}


def _by_drives(parts: list[F64], statistic, seed: int) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    def value(index: NDArray[np.int64]) -> float:
        return float(statistic(np.concatenate([parts[k] for k in index])))

    return bootstrap(value, len(parts), seed=seed, resamples=400)


def _horizontal(drive: Solved) -> F64:
    flat = np.hypot(drive.error_m[:, 0], drive.error_m[:, 1])
    return np.asarray(np.where(np.isnan(flat), MISSING_M, flat))


def _quantile(error_m: F64, share: float) -> float:
    return float(np.quantile(error_m, share, method="higher"))


def _wrong(error_m: F64) -> float:
    return float(np.mean(error_m > 0.5))


def _wrong_of(drives: list[Solved], layout: str) -> str:
    here = [d for d in drives if d.layout == layout]
    full = np.concatenate([np.linalg.norm(d.error_m[d.fixed], axis=1) for d in here])
    return f"{int((full > 0.5).sum())} of {len(full)}"


def _pooled(drives: list[Solved], layout: str) -> F64:
    here = [_horizontal(d)[d.fixed] for d in drives if d.layout == layout]
    return np.concatenate(here)


def _curve(name: str, error_m: F64) -> Series:
    ordered = np.sort(error_m)
    thin = slice(None, None, max(1, len(ordered) // 300))
    share = np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
    return Series(name, np.maximum(ordered[thin], 1e-3), share[thin], kind="step")


EXPERIMENTS = (Experiment("drives", (*BY_KIND.values(), FIXED, WRONG), measure),)
