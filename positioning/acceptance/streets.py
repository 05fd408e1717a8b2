"""S4-D4-R1, real streets: single point of Berlin and Hong Kong beside RTKLIB demo5.

Every expected epoch of the truth counts; the peer solves the same files in the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.indicator import Comparator, Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from common.acceptance.resampling import bootstrap

F64 = NDArray[np.float64]
GUIDE = "城市高架桥下、林荫遮挡和城市峡谷"
BLOCK_S = 30.0
BERLIN_BEGIN = (1900, 126_641.7)  # the first epoch: its truth counts from there


@dataclass(frozen=True, slots=True)
class City:
    """Files below the data root."""

    name: str
    observations: str
    navigation: tuple[str, ...]
    truth: str
    begin: tuple[int, float] | None = None


CITIES = (
    City(
        "berlin",
        "gnss_berlin/Berlin_Potsdamer_Platz.obs",
        ("gnss_berlin/brdc1580.16n", "gnss_berlin/brdc1580.16g"),
        "gnss_berlin/dev/GT.txt",
        BERLIN_BEGIN,
    ),
    City(
        "hong-kong",
        "gnss_hongkong/dev/gps_solution_TST/COM3_190428_124409.obs",
        ("gnss_hongkong/dev/gps_solution_TST/hksc1180.19n",
         "gnss_hongkong/dev/gps_solution_TST/hksc1180.19b"),
        "gnss_hongkong/dev/gps_solution_TST/groundTruth_TST.csv",
    ),
)  # fmt: skip
METHOD = (
    "Smoothed single point, GNSS alone, over every epoch of the development part's truth; RTKLIB "
    "demo5 (pyrtklib5, its defaults with broadcast ionosphere and Saastamoinen) on the same files "
    "in the same run. Bounds: bootstrap of 30 s blocks."
)


def _indicators(city: City) -> tuple[Indicator, Indicator, Indicator]:
    name = city.name.replace("-", " ").title()
    half = "at most half of RTKLIB demo5's on the same files"
    base = f"S4-D4-R1/{city.name}"

    def row(suffix: str, claim: str, unit: str, comparator: Comparator, target: float) -> Indicator:
        return Indicator(
            f"{base}-{suffix}", f"{name}: {claim}", GUIDE, unit, comparator, target,
            "public-data", METHOD,
        )  # fmt: skip

    return (
        row("rms", f"the horizontal RMS error is {half}.", "ratio", "<=", 0.5),
        row("95", f"the horizontal error at 95 % is {half}.", "ratio", "<=", 0.5),
        row("available", "99 % of expected epochs have a position.", "fraction", ">=", 0.99),
    )


def measure(city: City, context: Context) -> Mapping[str, Measurement]:
    """One city: RMS and 95 % as ratios to the peer's, and availability."""
    from positioning.gnss.formats import truth as truths
    from positioning.gnss.formats.detect import read_navigation, read_observations
    from positioning.gnss.orbits.broadcast import BroadcastOrbits
    from positioning.gnss.score import Errors, errors
    from positioning.gnss.single.solve import solve

    rms, tail, available = (indicator.id for indicator in _indicators(city))
    root = context.data_root
    paths = [] if root is None else [root / name for name in
                                     (city.observations, *city.navigation, city.truth)]  # fmt: skip
    if not paths or not all(path.is_file() for path in paths):
        reason = f"public-data: the set of {city.name} is not there"
        return dict.fromkeys((rms, tail, available), not_measured(reason))
    context.progress(0, 3, f"{city.name}: ours")
    told = truths.read(paths[-1], city.begin)
    observed = read_observations(paths[0])
    orbits = BroadcastOrbits(read_navigation(paths[1:-1]))
    ours: Errors = errors(solve(observed, orbits, mode="batch"), told, tolerance_s=0.06)
    following = errors(solve(observed, orbits, mode="realtime"), told) if context.full else None
    context.progress(1, 3, f"{city.name}: RTKLIB demo5")
    theirs = _peer(paths[:-1], context.scratch / f"{city.name}.pos", told)
    digest = context.data_hash(paths)
    mine = _horizontal(ours)
    note = f"ours {_figures(mine)}"
    if following is not None:
        note += f"; in real time {_figures(_horizontal(following))}"
    share = float(np.isfinite(mine).mean())
    row = {available: exact(share, len(mine), digest, note)}
    if theirs is None:
        reason = f"pyrtklib5 is not installed, so no ratio; {note}"
        return {**row, rms: not_measured(reason), tail: not_measured(reason)}
    peer = _horizontal(theirs)
    note += f"; demo5 {_figures(peer)}"
    figures = (_distribution(mine, peer),)
    for name, statistic in ((rms, _rms), (tail, _p95)):
        row[name] = _ratio(statistic, mine, peer, ours.time_s, context.seed, digest, note, figures)
    return row


def _peer(paths: list[Path], out: Path, told: object) -> object | None:
    """Errors of RTKLIB demo5; None where it is not installed."""
    try:
        import pyrtklib5 as rtklib
    except ImportError:
        return None
    from positioning.gnss.formats import pos
    from positioning.gnss.score import errors

    options, output, files = rtklib.prcopt_default, rtklib.solopt_default, rtklib.filopt_t()
    options.mode, options.navsys, options.ionoopt, options.tropopt = 0, 61, 1, 1
    output.posf, output.timef = 1, 0
    zero = rtklib.gtime_t()
    zero.time, zero.sec = 0, 0.0
    names = [str(path) for path in paths]
    rtklib.postpos(
        zero, zero, 0.0, 0.0, options, output, files, names, len(names), str(out), "", ""
    )
    return errors(pos.read(out), told, tolerance_s=0.06)  # type: ignore[arg-type]


def _horizontal(found: object) -> F64:
    """(E,) of each expected epoch; NaN is missing."""
    enu = found.enu_m  # type: ignore[attr-defined]
    return np.asarray(np.hypot(enu[:, 0], enu[:, 1]))


def _rms(error_m: F64) -> float:
    return float(np.sqrt(np.nanmean(error_m**2)))


def _p95(error_m: F64) -> float:
    """Over expected epochs: a missing one is worse than all others."""
    return float(np.quantile(np.where(np.isnan(error_m), 1e9, error_m), 0.95, method="higher"))


def _ratio(
    statistic: object, mine: F64, peer: F64, time_s: F64, seed: int, digest: str, note: str,
    figures: tuple[Plot, ...],
) -> Measurement:  # fmt: skip
    def value(index: NDArray[np.int64]) -> float:
        return float(statistic(mine[index]) / statistic(peer[index]))  # type: ignore[operator]

    blocks = ((time_s - time_s[0]) // BLOCK_S).astype(np.int64)
    low, high = bootstrap(value, len(mine), seed=seed, resamples=500, clusters=blocks)
    whole = value(np.arange(len(mine)))
    return Measurement(whole, low, high, int(blocks[-1]) + 1, digest, note, figures)


def _figures(error_m: F64) -> str:
    return (
        f"{np.isfinite(error_m).mean():.1%} available, horizontal RMS {_rms(error_m):.2f} m, "
        f"50/68/95 % {', '.join(f'{v:.2f}' for v in np.nanquantile(error_m, (0.5, 0.68, 0.95)))} m"
    )


def _distribution(mine: F64, peer: F64) -> Plot:
    curves = []
    for name, error_m in (("ours", mine), ("RTKLIB demo5", peer)):
        known = np.sort(error_m[np.isfinite(error_m)])
        share = np.arange(1, len(known) + 1) / len(error_m)
        thin = slice(None, None, max(1, len(known) // 400))
        curves.append(Series(name, np.maximum(known[thin], 0.01), share[thin], kind="step"))
    title = "Horizontal error over the expected epochs"
    return Plot(title, "horizontal error, m", "share of epochs", tuple(curves), x_log=True)


EXPERIMENTS = tuple(
    Experiment(f"streets-{city.name}", _indicators(city), partial(measure, city)) for city in CITIES
)
