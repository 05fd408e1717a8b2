"""S2-T8: the driver framework notices injected faults and recovers from them.

Small simulated devices of every kind run in real time. A spy on the device's side keeps what the
device really gave and when; it knows nothing of the driver's health logic, which is measured.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, rate
from common.drivers.base import Driver, DriverError, State
from common.drivers.faults import (
    ClockStep,
    Corrupt,
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    Outage,
    Reorder,
    Stall,
    inject,
)
from common.drivers.registry import create
from common.drivers.stream import RawSample, StreamDriver

RATE_HZ = 50.0
FRAME = {"height_px": 64, "width_px": 64}
CUBE = {"loops": 8, "transmitters": 2, "receivers": 2, "samples": 64}
DEVICES: dict[str, dict[str, Any]] = {
    "camera": {"kind": "camera", "type": "sim", **FRAME, "parameters": FRAME},
    "profiler": {"kind": "profiler", "type": "sim", **FRAME, "parameters": FRAME},
    "plc": {"kind": "plc", "type": "sim"},
    "gnss": {"kind": "gnss", "type": "sim"},
    "imu": {"kind": "imu", "type": "sim"},
    "radar": {"kind": "radar", "type": "sim"},
    "radar_if": {
        "kind": "radar_if",
        "type": "sim",
        "shape": list(CUBE.values()),
        "parameters": CUBE,
    },
}
ROUNDS = {"quick": 1, "full": 20}  # of every fault on every device
GUIDE = "即插即用技术、自诊断与自修复"
DETECT_S = 0.5
RECOVER_S = 2.0
MAX_AGE_S = 0.2
AGE_ERROR_S = 0.02  # between the sensor's clock reading and ours, and of the scheduler
CALM_S = 0.5  # after warm-up and before the fault: any alarm here is a false one
GAP_S = 0.2  # a longer pause of the simulated device means that the host had no time for it
AFTER_S = RECOVER_S + 0.2
SETTLE_S = 0.6  # until then the fault itself may leave a gap: the device reconnects
SIDE_BY_SIDE = 16
_METHOD = (
    "Simulated cameras and height sensors of 64 x 64 px, a PLC, GNSS and inertial receivers and "
    "radars at 50 Hz in real time; "
    "one fault each (drop, duplicate, reorder, corrupt byte, clock step, stall, disconnect); "
)


def _indicator(name: str, claim: str, method: str, comparator: Any, target: float) -> Indicator:
    return Indicator(
        f"S2-T8/{name}", claim, GUIDE, "fraction", comparator, target, "simulated", _METHOD + method
    )


DETECTED = _indicator(
    "detected",
    "A fault of a device is reported within 0.5 s",
    "share whose health, READY before, left it within 0.5 s of the sample that was hit",
    ">=",
    0.99,
)
RECOVERED = _indicator(
    "recovered",
    "A driver is back within 2 s after a fault has passed",
    "share that is READY and hands over fresh samples within 2 s of the fault's end, among those "
    "whose device then gave every sample in time by the spy's record",
    ">=",
    0.99,
)
WRONG = _indicator(
    "wrong",
    "A faulty device never leads to a stale or damaged sample being handed over",
    "share of drivers that handed over a sample that is not the device's, bit for bit, or is older "
    "than asked for by the spy's clock",
    "<=",
    0.01,
)
FALSE = _indicator(
    "false-alarm",
    "A sound device is not reported as faulty",
    "share of drivers that left READY in the half second before their fault, among those whose "
    "device gave every sample in time until then by the spy's record",
    "<=",
    0.01,
)


class Spy:
    """A backend that notes every sample the device gives: checksum of its array, which `view`
    takes out of it, -> host time."""

    def __init__(self, inner: Any, view: Callable[[Any], NDArray[Any]]) -> None:
        self._inner = inner
        self.view = view
        self.seen: dict[int, float] = {}
        self.times: list[float] = []
        self.counters: list[int] = []

    def connect(self) -> None:
        """Pass on."""
        self._inner.connect()

    def disconnect(self) -> None:
        """Pass on."""
        self._inner.disconnect()

    def grab(self, timeout_s: float) -> RawSample[Any] | None:
        """Pass on what comes, and note it."""
        raw: RawSample[Any] | None = self._inner.grab(timeout_s)
        if raw is not None:
            now_s = time.monotonic()
            self.times.append(now_s)
            self.counters.append(raw.counter)
            self.seen[zlib.crc32(self.view(raw.value).tobytes())] = now_s
        return raw

    def sound(self, start_s: float, end_s: float) -> bool:
        """Whether the device itself lost nothing and never paused in this time."""
        times, counters = np.array(self.times), np.array(self.counters)
        within = (times >= start_s) & (times <= end_s)
        steps, gaps = np.diff(counters[within]), np.diff(times[within])
        return bool((steps == 1).all() and (gaps < GAP_S).all())


@dataclass(slots=True)
class Trial:
    """What one driver did; times in seconds, None where it did not happen."""

    device: str
    fault: str
    detected_s: float | None = None
    recovered_s: float | None = None
    sound_before: bool = True
    sound_after: bool = True
    false_alarm: bool = False
    wrong: int = 0
    handed_over: int = 0
    health: list[tuple[float, State]] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)


def faults_at(sample: int) -> tuple[Fault, ...]:
    """One fault of each kind, at sample number `sample`."""
    once = {"at": sample, "until": sample + 1}
    return (
        Drop(**once),
        Duplicate(**once),
        Reorder(**once),
        Corrupt(**once),
        ClockStep(at=sample),
        Stall(**once, duration_s=1.0),
        Disconnect(**once, duration_s=1.0),
    )


def attempt(device: str, fault: Fault, seed: int) -> Trial:
    """Run one driver through one fault."""
    driver = create({**DEVICES[device], "rate_hz": RATE_HZ, "seed": seed})
    if not isinstance(driver, StreamDriver):
        raise TypeError(f"the simulated {device} is no StreamDriver")
    spy = Spy(driver.backend, driver.view)
    driver.backend = spy
    inject(driver, [fault], seed)
    trial = Trial(device, type(fault).__name__.lower())
    with driver:
        _watch(driver, spy, trial, lambda: _struck_s(spy, fault), _lasts_s(fault) + AFTER_S)
    _judge(trial, spy, fault)
    return trial


def _lasts_s(fault: Fault) -> float:
    return fault.duration_s if isinstance(fault, Outage) else 0.0


def _struck_s(spy: Spy, fault: Fault) -> float | None:
    """When the sample that the fault hits came from the device."""
    return spy.times[fault.at] if len(spy.times) > fault.at else None


def _watch(
    driver: Driver[Any],
    spy: Spy,
    trial: Trial,
    struck_s: Callable[[], float | None],
    after_s: float,
) -> None:
    """Poll health and newest sample every 4 ms until `after_s` past the strike."""
    give_up_s = time.monotonic() + 20.0
    pause = threading.Event()
    while time.monotonic() < give_up_s:
        now_s = time.monotonic()
        begun_s = struck_s()
        if begun_s is not None and now_s > begun_s + after_s:
            return
        trial.health.append((now_s, driver.health.state))
        _take(driver, spy, trial)
        pause.wait(0.004)


def _take(driver: Driver[Any], spy: Spy, trial: Trial) -> None:
    """Ask for a fresh sample and hold it against what the spy knows."""
    asked_s = time.monotonic()
    try:
        sample = driver.read_latest(MAX_AGE_S)
    except DriverError:
        return
    came_s = spy.seen.get(zlib.crc32(spy.view(sample.value).tobytes()))
    trial.handed_over += 1
    if came_s is None or asked_s - came_s > MAX_AGE_S + AGE_ERROR_S:
        trial.wrong += 1
    else:
        trial.fresh.append(asked_s if asked_s - came_s < 2 / RATE_HZ + AGE_ERROR_S else 0.0)


def _judge(trial: Trial, spy: Spy, fault: Fault) -> None:
    struck_s = _struck_s(spy, fault)
    if struck_s is None:
        raise RuntimeError(f"the sample that {trial.fault} hits never came within 20 s")
    over_s = struck_s + _lasts_s(fault)
    trial.sound_before = spy.sound(0.0, struck_s)
    trial.sound_after = spy.sound(over_s + SETTLE_S, over_s + RECOVER_S)
    calm = [s for at, s in trial.health if struck_s - CALM_S <= at < struck_s - 0.001]
    trial.false_alarm = any(state is not State.READY for state in calm)
    alarms = [at for at, s in trial.health if at >= struck_s and s is not State.READY]
    trial.detected_s = alarms[0] - struck_s if alarms else None
    last_alarm_s = max([over_s, *alarms])
    back = [at for at, s in trial.health if at > last_alarm_s and s is State.READY]
    fresh = [at for at in trial.fresh if at > last_alarm_s]
    if back and fresh:
        trial.recovered_s = max(back[0], fresh[0]) - over_s


def run(context: Context) -> Mapping[str, Measurement]:
    """Measure the four rows."""
    warm_up = int(RATE_HZ * (0.4 + CALM_S))
    jobs = [
        (device, fault, context.seed * 100_000 + 100 * turn + place)
        for turn in range(ROUNDS[context.size])
        for device in DEVICES
        for place, fault in enumerate(faults_at(warm_up))
    ]
    for config in DEVICES.values():
        with create(config) as first:  # what is loaded on first use must not count as its loss
            first.read(timeout_s=20.0)
    trials: list[Trial] = []
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for trial in pool.map(lambda job: attempt(*job), jobs):
            trials.append(trial)
            context.progress(len(trials), len(jobs), f"{trial.device}, {trial.fault}")
    return _measurements(trials, content_hash(repr(jobs)))


def _measurements(trials: list[Trial], digest: str) -> dict[str, Measurement]:
    def share(hits: list[bool], note: str, figures: tuple[Plot, ...] = ()) -> Measurement:
        if not hits:
            return not_measured("the host was too busy: no simulated device gave every sample")
        return rate(sum(hits), len(hits), digest, note, figures)

    sound = [t for t in trials if t.sound_before]
    stayed = [t for t in trials if t.sound_after]
    ready = [t for t in sound if not t.false_alarm]
    handed = sum(trial.handed_over for trial in trials)
    by = ", ".join(f"{sum(t.device == d for t in trials)} x {d}" for d in DEVICES)
    left_out = f"{len(trials) - len(ready)} of {len(trials)} were not READY before and are left out"
    lacked = f"of {len(trials)} devices lacked host time and are left out"
    return {
        DETECTED.id: share(
            [_within(t.detected_s, DETECT_S) for t in ready],
            left_out + _late(ready, "detected_s", DETECT_S),
            (_plot(ready, "detected_s", "Time to detection", DETECT_S),),
        ),
        RECOVERED.id: share(
            [_within(t.recovered_s, RECOVER_S) for t in stayed],
            f"{len(trials) - len(stayed)} {lacked}" + _late(stayed, "recovered_s", RECOVER_S),
            (_plot(stayed, "recovered_s", "Time to recovery", RECOVER_S),),
        ),
        WRONG.id: share([t.wrong > 0 for t in trials], f"{handed:,} samples, by {by}"),
        FALSE.id: share([t.false_alarm for t in sound], f"{len(trials) - len(sound)} {lacked}"),
    }


def _late(trials: list[Trial], name: str, limit_s: float) -> str:
    """Which kinds of fault were not in time, to go on with a note."""
    late = [t for t in trials if not _within(getattr(t, name), limit_s)]
    kinds = sorted({f"{t.fault} of a {t.device}" for t in late})
    return f"; not in time: {', '.join(kinds)}" if kinds else ""


def _within(seconds: float | None, limit_s: float) -> bool:
    return seconds is not None and seconds <= limit_s


def _plot(trials: list[Trial], name: str, title: str, limit_s: float) -> Plot:
    """Distribution of a time for each kind of fault."""
    series = []
    for fault in sorted({trial.fault for trial in trials}):
        times = [getattr(t, name) for t in trials if t.fault == fault]
        ordered = np.sort([s for s in times if s is not None])
        share = np.arange(1, len(ordered) + 1) / len(times)
        series.append(Series(fault, ordered, share, kind="step"))
    return Plot(
        title,
        "time [s]",
        "share of the faults",
        tuple(series),
        lines=(ReferenceLine("limit", limit_s, axis="x"),),
    )


FAULTS = Experiment("driver-faults", (DETECTED, RECOVERED, WRONG, FALSE), run, exclusive=True)
