"""The radar by itself: accuracy, detection, false alarms, interference and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain as chained
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, rate
from common.acceptance.resampling import bootstrap
from common.runtime.timing import measure as timed
from common.types.stamped import Stamped
from positioning.radar.waveform import Waveform

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from positioning.sim.radar.streets import Seen
    from positioning.sim.radar.trial import Outcome, Weather

Floats = NDArray[np.float64]

WAVE = Waveform()
BEAMWIDTH_RAD = 2 / 8  # Rayleigh limit of eight elements at half a wavelength, in sin(azimuth)
GUIDE_R1 = "MIMO天线阵列与毫米波雷达"
GUIDE_R3 = "雷达与视频时钟同步、滤波除杂、抗干扰"
GUIDE_R4 = "低功耗多模态感算一体融合算法"
WEATHERS = ("clear", "rain", "interference")
QUANTITIES = {
    "range": ("m", WAVE.range_resolution_m / 10, "c / 2B"),
    "velocity": ("m/s", WAVE.velocity_resolution_mps / 10, "lambda / 2T"),
    "azimuth": ("rad", BEAMWIDTH_RAD / 10, "2 / M"),
}
CAR_DBSM, CAR_FAR_M = 10.0, 60.0
WALKER_DBSM, WALKER_FAR_M = -8.0, 30.0
RAIN_MM_H = 25.0
TRIALS = {"quick": 24, "full": 600}
HOW = (
    "Single targets at random places, 45 degrees to each side and up to 20 m/s, one frame each, "
    "simulated at the samples behind the mixer (77 GHz, 512 MHz, 3 x 4 antennas, thermal and phase "
    "noise, 12 bits). Rain is 25 mm/h; interference is another radar 25 m ahead whose ramps cross."
)


def weather(name: str) -> Weather:
    """What stands between radar and target."""
    from positioning.sim.radar.device import Interferer, Rain
    from positioning.sim.radar.trial import Weather

    return {
        "clear": Weather(),
        "rain": Weather(rain=Rain(RAIN_MM_H)),
        "interference": Weather(interferers=(Interferer(),)),
    }[name]


def run(
    context: Context, name: str, dbsm: float, far_m: float, mitigate: bool = True
) -> list[Outcome]:
    """One outcome a target; the same targets and noise for every weather."""
    from positioning.radar.pipeline import RadarChain
    from positioning.radar.settings import RadarSettings
    from positioning.sim.radar.device import Device
    from positioning.sim.radar.trial import outcomes, target

    rng = np.random.default_rng([context.seed, 401])
    targets = [target(rng, far_m, dbsm) for _ in range(TRIALS[context.size])]
    chain = RadarChain(WAVE, RadarSettings(mitigate_interference=mitigate))
    found = []
    for outcome in outcomes(targets, chain, Device(), weather(name), context.seed):
        found.append(outcome)
        context.progress(len(found), len(targets), f"radar, {name}")
    return found


def accuracy(name: str, context: Context) -> Mapping[str, Measurement]:
    """Errors on a car, detections of a pedestrian."""
    car = run(context, name, CAR_DBSM, CAR_FAR_M)
    error = np.stack([outcome.error for outcome in car])
    error = error[np.isfinite(error[:, 0])]
    digest = content_hash(error)
    note = f"{len(error)} of {len(car)} cars found"
    rows = {}
    for column, quantity in enumerate(QUANTITIES):
        low, high = _rmse_bounds(error[:, column], context.seed)
        value = float(np.sqrt((error[:, column] ** 2).mean()))
        shown = (_errors(name, quantity, car, column),)
        rows[f"S4-D3-R1/radar-{quantity}-{name}"] = Measurement(
            value, low, high, len(error), digest, note, shown
        )
    walkers = run(context, name, WALKER_DBSM, WALKER_FAR_M)
    hits = sum(bool(np.isfinite(outcome.snr_db)) for outcome in walkers)
    more = np.mean([outcome.others for outcome in walkers])
    note = f"{more:.2f} other detections a frame"
    rows[f"S4-D3-R3/radar-detection-{name}"] = rate(hits, len(walkers), digest, note)
    return rows


def _rmse_bounds(error: Floats, seed: int) -> tuple[float, float]:
    return bootstrap(lambda i: float(np.sqrt((error[i] ** 2).mean())), len(error), seed=seed)


def _errors(name: str, quantity: str, car: Sequence[Outcome], column: int) -> Figure:
    """Absolute error over the range of the target."""
    unit, limit, _ = QUANTITIES[quantity]
    kept = [outcome for outcome in car if np.isfinite(outcome.snr_db)]
    x = [outcome.target.range_m for outcome in kept]
    y = [abs(float(outcome.error[column])) + 1e-9 for outcome in kept]
    lines = (ReferenceLine("a tenth of a cell", limit),)
    title = f"Radar's error in {quantity}, {name}"
    points = Series(f"n = {len(kept)}", x, y, kind="points")
    return Plot(title, "range [m]", f"error [{unit}]", (points,), y_log=True, lines=lines)


def loss(context: Context) -> Mapping[str, Measurement]:
    """Signal to noise that interference costs the same target in the same noise."""
    clean = run(context, "clear", CAR_DBSM, CAR_FAR_M)
    mitigated = run(context, "interference", CAR_DBSM, CAR_FAR_M)
    plain = run(context, "interference", CAR_DBSM, CAR_FAR_M, mitigate=False)
    snr = np.array([[o.snr_db for o in each] for each in (clean, mitigated, plain)])
    missed = np.isnan(snr[1]).sum()
    both = np.isfinite(snr[:2]).all(axis=0)
    lost = snr[0, both] - snr[1, both]
    unaided = np.nanmean(snr[0] - snr[2])
    low, high = bootstrap(lambda i: float(lost[i].mean()), len(lost), seed=context.seed)
    note = f"{unaided:.2f} dB without mitigation; {missed} of {len(clean)} targets lost with it"
    order = np.argsort(snr[0])
    series = tuple(
        Series(label, snr[0, order], np.nan_to_num((snr[0] - snr[k])[order]), kind="points")
        for k, label in ((1, "mitigated"), (2, "not mitigated"))
    )
    title = "Loss by a crossing radar"
    figure = Plot(
        title, "SNR without it [dB]", "loss [dB]", series, lines=(ReferenceLine("1 dB", 1.0),)
    )
    value = Measurement(
        float(lost.mean()), low, high, len(lost), content_hash(snr), note, (figure,)
    )
    return {"S4-D3-R3/radar-interference-loss": value}


PFA = 1e-2
NOISE_FRAMES = {"quick": 4, "full": 200}


def false_alarms(context: Context) -> Mapping[str, Measurement]:
    """Every cell of maps of noise alone, against the rate that was set."""
    from positioning.radar import cfar, spectrum

    frames = NOISE_FRAMES[context.size]
    hits, cells = dict.fromkeys(("ca", "os"), 0), 0
    for number in range(frames):
        rng = np.random.default_rng([context.seed, 402, number])
        noise = rng.standard_normal((*WAVE.shape, 2), np.float32).view(np.complex64)[..., 0]
        found = spectrum.transform(noise)
        doppler, ranges = np.indices(found.power.shape).reshape(2, -1)
        cells += len(doppler)
        for kind in ("ca", "os"):
            over = cfar.detect(found.power, found.elements, PFA, kind, doppler, ranges)
            hits[kind] += len(over.noise)
        context.progress(number + 1, frames, "radar, noise")
    alike = spectrum.HANN_NOISE_BANDWIDTH**2  # cells that a Hann window makes of one
    note = f"{cells} cells, counted as {int(cells / alike)} independent ones; set {PFA:g}"
    rows = {}
    for kind, count in hits.items():
        digest = content_hash(kind, count, cells)
        rows[f"S4-D3-R3/radar-false-alarms-{kind}"] = rate(
            round(count / alike), int(cells / alike), digest, note
        )
    return rows


PAIRS = {"quick": 150, "full": 2000}
SEPARATIONS = (0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3)
PAIR_SNR_DB = 20.0


def resolution(context: Context) -> Mapping[str, Measurement]:
    """Two equal sources in one cell, told apart by each method, over their separation."""
    from positioning.radar.superresolution import ESTIMATORS

    share = {
        kind: [_resolved(context, kind, apart) for apart in SEPARATIONS] for kind in ESTIMATORS
    }
    n = PAIRS[context.size]
    series = tuple(
        Series(kind, SEPARATIONS, [k / n for k in counts]) for kind, counts in share.items()
    )
    lines = (ReferenceLine("Rayleigh, 2 / M", BEAMWIDTH_RAD, "x"), ReferenceLine("90 %", 0.9))
    title = "Two equal sources of 20 dB in one cell"
    figure = Plot(title, "apart in sin(azimuth)", "share resolved", series, lines=lines)
    at = SEPARATIONS.index(0.125)
    note = "; ".join(f"{kind} {counts[at] / n:.2f}" for kind, counts in share.items())
    digest = content_hash(repr(share))
    return {"S4-D3-R1/radar-angle-resolution": rate(share["nls"][at], n, digest, note, (figure,))}


def _resolved(context: Context, kind: str, apart: float) -> int:
    """Pairs of which each direction is found within half their separation."""
    from positioning.radar.array import steering
    from positioning.radar.superresolution import ESTIMATORS

    rng = np.random.default_rng([context.seed, 403, round(1000 * apart)])
    n, y = PAIRS[context.size], np.arange(8.0)
    first = rng.uniform(-0.5, 0.5, n)
    u = np.stack([first, first + apart], axis=1)
    amplitude = 10 ** (PAIR_SNR_DB / 20) * np.exp(2j * np.pi * rng.uniform(size=(n, 2)))
    row = np.einsum("dk,dkm->dm", amplitude, steering(y, u))
    row += (rng.standard_normal((n, 8)) + 1j * rng.standard_normal((n, 8))) / np.sqrt(2)
    error = np.abs(ESTIMATORS[kind](row, y) - u)
    return int((error < apart / 2).all(axis=1).sum())


STREETS = {"quick": (3, (1.0, 3.0)), "full": (60, (0.5, 2.0, 3.5, 5.0))}


def street(context: Context) -> Mapping[str, Measurement]:
    """Road users of whole scenes, with guard rail, facade, posts and rough ground."""
    from positioning.radar.pipeline import RadarChain
    from positioning.sim.radar.radar import SimulatedRadar
    from positioning.sim.radar.streets import seen
    from positioning.sim.road import scenario

    count, times = STREETS[context.size]
    users: list[Seen] = []
    for number in range(count):
        radar = SimulatedRadar(scenario.street(4_040_000 + 1000 * context.seed + number))
        users += chained.from_iterable(seen(radar, RadarChain(), t, context.seed) for t in times)
        context.progress(number + 1, count, "radar, streets")
    kinds = sorted({user.kind for user in users})
    told = [[user.is_found for user in users if user.kind == kind] for kind in kinds]
    note = "; ".join(f"{kind} {sum(f)} of {len(f)}" for kind, f in zip(kinds, told, strict=True))
    digest = content_hash(repr(users))
    hits = sum(user.is_found for user in users)
    return {"S4-D3-R4/radar-street-recall": rate(hits, len(users), digest, note)}


FRAMES = {"quick": 40, "full": 400}
BUDGET_MS = 15.0


def pace(context: Context) -> Mapping[str, Measurement]:
    """CPU time of a street's frame through the whole chain, and of its two FFTs alone."""
    from scipy import fft

    from positioning.radar.pipeline import RadarChain
    from positioning.sim.radar.radar import SimulatedRadar
    from positioning.sim.road.scenario import street as world

    radar, chain = SimulatedRadar(world(context.seed)), RadarChain()
    frame = Stamped(0, 0, 0, "radar", radar.frame(1.0, np.random.default_rng(context.seed)))
    ego = radar.velocity_mps(1.0)
    signal = np.ones(WAVE.shape, np.complex64)
    n = FRAMES[context.size]
    whole = timed(lambda: chain.step(frame, ego), repeats=n, warmup=3)
    floor = timed(lambda: fft.fft(fft.fft(signal, axis=-1), axis=0), repeats=n, warmup=3)
    times = whole.cpu_ms_median / floor.cpu_ms_median
    note = (
        f"wall median {whole.median_ms:.1f} ms, p99 {whole.p99_ms:.1f} ms; the two FFTs alone "
        f"{floor.cpu_ms_median:.1f} ms, so the chain is {times:.1f} "
        f"times its floor; {len(chain.step(frame, ego).value)} detections"
    )
    value = whole.cpu_ms_median
    digest = content_hash(frame.value.adc)
    return {"S4-D3-R4/radar-frame-time": Measurement(value, value, value, n, digest, note)}


def indicators(name: str) -> tuple[Indicator, ...]:
    """The rows of one weather."""
    row = partial(Indicator, evidence="simulated", method=HOW)
    errors = (
        row(
            f"S4-D3-R1/radar-{quantity}-{name}",
            f"A car's {quantity} has an RMSE of at most a tenth of the cell {limit} ({name}).",
            GUIDE_R1,
            unit,
            "<=",
            target,
        )
        for quantity, (unit, target, limit) in QUANTITIES.items()
    )
    detection = row(
        f"S4-D3-R3/radar-detection-{name}",
        f"At least 95 % of pedestrians (-8 dBsm, 8 to 30 m) are detected in one frame ({name}).",
        GUIDE_R3,
        "fraction",
        ">=",
        0.95,
    )
    return (*errors, detection)


LOSS = Indicator(
    "S4-D3-R3/radar-interference-loss",
    "A crossing radar costs at most 1 dB of a target's signal to noise after mitigation.",
    GUIDE_R3, "dB", "<=", 1.0, "simulated",
    f"{HOW} The same targets in the same noise, with and without the other radar.",
)  # fmt: skip
FALSE_ALARMS = tuple(
    Indicator(
        f"S4-D3-R3/radar-false-alarms-{kind}",
        f"{kind.upper()}-CFAR exceeds the false-alarm rate it is set to by at most a tenth.",
        GUIDE_R3, "fraction", "<=", 1.1 * PFA, "simulated",
        f"All cells of range-Doppler maps of white noise, set to {PFA:g}.",
    )
    for kind in ("ca", "os")
)  # fmt: skip
RESOLUTION = Indicator(
    "S4-D3-R1/radar-angle-resolution",
    "Two sources at half the Rayleigh limit are told apart in at least 90 % of the cells.",
    GUIDE_R1, "fraction", ">=", 0.9, "simulated",
    "Two equal sources of 20 dB at random phases in one snapshot of eight elements, 0.125 apart in "
    "sin(azimuth); each direction found within half of that.",
)  # fmt: skip
STREET = Indicator(
    "S4-D3-R4/radar-street-recall",
    "At least 90 % of the road users in view within 45 m have a detection on them in one frame.",
    GUIDE_R4, "fraction", ">=", 0.9, "simulated",
    "Simulated streets with traffic both ways, cyclist, pedestrian, guard rail, facade, posts and "
    "rough ground; the box widened by 1 m; road users hidden behind another do not count.",
)  # fmt: skip
PACE = Indicator(
    "S4-D3-R4/radar-frame-time",
    "A frame of 128 x 3 x 4 x 256 samples goes through the whole chain in under 15 ms on one core.",
    GUIDE_R4, "ms", "<=", BUDGET_MS, "simulated",
    "CPU time of one simulated street's frame, samples to clustered detections, median.",
)  # fmt: skip
EXPERIMENTS: tuple[Experiment, ...] = (
    *(Experiment(f"radar-{name}", indicators(name), partial(accuracy, name)) for name in WEATHERS),
    Experiment("radar-interference-loss", (LOSS,), loss),
    Experiment("radar-false-alarms", FALSE_ALARMS, false_alarms),
    Experiment("radar-resolution", (RESOLUTION,), resolution),
    Experiment("radar-street", (STREET,), street),
    Experiment("radar-pace", (PACE,), pace, exclusive=True),
)
