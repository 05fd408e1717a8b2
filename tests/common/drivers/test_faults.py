"""Every fault, in real time, on a device whose truth is known: seen, survived, never believed."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drivers import stream
from common.drivers.base import Driver, DriverError, DriverTimeoutError, StaleError, State
from common.drivers.faults import (
    ClockStep,
    Corrupt,
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    FaultyBackend,
    Outage,
    Reorder,
    Stall,
    inject,
)
from common.drivers.recorder import Recorder
from common.drivers.registry import create
from common.drivers.stream import RawSample, checksum

from .makers import truth_driver

pytestmark = pytest.mark.common

RATE_HZ = 100.0
SEEN_S = 0.5  # two periods are less
RECOVERED_S = 2.0
MAX_AGE_S = 0.2
SCHEDULING_S = 0.2  # a busy machine may stop the test between two of its lines
AT = 20
SEED = 5

FAULTS: dict[str, tuple[str, Fault]] = {  # name -> what is counted, the fault
    "drop 1 %": ("dropped", Drop(rate=0.01, at=AT)),
    "drop 10 %": ("dropped", Drop(rate=0.1, at=AT)),
    "drop 50 %": ("dropped", Drop(rate=0.5, at=AT)),
    "duplicate": ("duplicates", Duplicate(rate=0.3, at=AT)),
    "reorder": ("reordered", Reorder(rate=0.3, at=AT)),
    "corrupt": ("corrupt", Corrupt(rate=0.3, at=AT)),
    "clock forward": ("clock_steps", ClockStep(at=AT, step_s=100.0)),
    "clock back": ("clock_steps", ClockStep(at=AT, step_s=-1.0)),
    "stall": ("received", Stall(at=AT, duration_s=0.8)),
    "stall, connected anew": ("reconnects", Stall(at=AT, duration_s=2.5)),
    "disconnect": ("reconnects", Disconnect(at=AT, duration_s=0.8)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen_in_time_survived_and_never_believed(name: str) -> None:
    counted, fault = FAULTS[name]
    hit = _first_hit(fault)
    fault = replace(fault, until=hit + 15)
    driver, _ = truth_driver(RATE_HZ)
    eye = _Eye(inject(driver, [fault], SEED))
    with driver:
        began = eye.watch(lambda: eye.seq >= hit - 1)
        seen = eye.watch(lambda: not eye.is_ready)
        if isinstance(fault, Outage):
            ended = eye.watch(lambda: time.monotonic() >= began + fault.duration_s)
        else:
            ended = eye.watch(lambda: eye.seq >= hit + 15)
        recovered = eye.watch(lambda: eye.is_ready)
        assert getattr(driver.health.counters, counted) >= 1
    assert seen - began < SEEN_S
    assert recovered - ended < RECOVERED_S
    assert eye.oldest_s < MAX_AGE_S + SCHEDULING_S


class _Eye:
    """Takes the newest sample again and again, and holds its age against the truth."""

    def __init__(self, driver: Driver[Any]) -> None:
        self.seq = -1
        self.is_ready = False
        self.oldest_s = 0.0
        self._driver = driver

    def watch(self, until: Callable[[], bool]) -> float:
        """Go on until the condition holds; the time when it did."""
        deadline = time.monotonic() + 20
        while not until():
            assert time.monotonic() < deadline, self._driver.health
            self._look()
            time.sleep(0.002)
        return time.monotonic()

    def _look(self) -> None:
        try:
            sample = self._driver.read_latest(MAX_AGE_S)
        except StaleError:
            pass
        else:
            self.oldest_s = max(self.oldest_s, time.monotonic() - float(sample.value[0]))
            assert sample.seq >= self.seq
            self.seq = sample.seq
        self.is_ready = self._driver.health.state is State.READY


def _first_hit(fault: Fault) -> int:
    """The first sample that is hit, by the fault's own seeded draws."""
    rng = np.random.default_rng([SEED, 0])
    return next(n for n in range(10_000) if fault.strikes(n, rng))


def test_what_lay_in_a_buffer_is_not_taken_for_new() -> None:
    driver, device = truth_driver(RATE_HZ)
    with driver:
        for _ in range(30):
            driver.read(5.0)
        device.backlog_until = time.monotonic() + 1.0
        time.sleep(1.0)
        burst = []
        while len(burst) < 40:
            try:
                sample = driver.read_latest(MAX_AGE_S)
                burst.append(time.monotonic() - float(sample.value[0]))
            except StaleError:
                burst.append(0.0)
            time.sleep(0.001)
    assert max(burst) < MAX_AGE_S + SCHEDULING_S


def test_read_hands_over_nothing_from_before_a_lost_connection() -> None:
    driver, _ = truth_driver(RATE_HZ)
    inject(driver, [Disconnect(at=30, duration_s=0.5)])
    with driver:
        for _ in range(20):
            driver.read(5.0)
        time.sleep(0.3)  # eight samples wait in the queue, then the connection goes
        assert driver.health.state is State.UNAVAILABLE
        with pytest.raises(DriverTimeoutError):
            driver.read(0.05)
        assert time.monotonic() - float(driver.read(5.0).value[0]) < MAX_AGE_S + SCHEDULING_S


class _Counting:
    """A device of numbered arrays, without time."""

    def __init__(self) -> None:
        self.count = 0

    def connect(self) -> None: ...

    def disconnect(self) -> None: ...

    def grab(self, timeout_s: float) -> RawSample[Any]:
        self.count += 1
        return RawSample(self.count - 1, self.count, np.full(8, self.count, np.uint16))


def _through(faults: list[Fault], seed: int, count: int = 300) -> list[RawSample[Any]]:
    link = FaultyBackend(_Counting(), lambda value: value, faults, seed)
    return [raw for raw in (link.grab(0.0) for _ in range(count)) if raw is not None]


def _key(raw: RawSample[Any]) -> tuple[int, int, bytes]:
    return raw.counter, raw.device_time_ns, raw.value.tobytes()


@given(st.integers(0, 2**32), st.floats(0.01, 0.9))
def test_the_same_seed_hits_the_same_samples(seed: int, rate: float) -> None:
    mess = [Drop(rate=rate), Duplicate(rate=rate), Reorder(rate=rate), Corrupt(rate=rate)]
    once, again = (_through(list(mess), seed, 60) for _ in range(2))
    assert list(map(_key, once)) == list(map(_key, again))


def test_a_fault_hits_the_same_samples_whatever_runs_beside() -> None:
    alone = {raw.counter for raw in _through([Drop(rate=0.3)], 1)}
    beside = {raw.counter for raw in _through([Drop(rate=0.3), Duplicate(rate=0.5)], 1, 450)}
    assert alone == {counter for counter in beside if counter <= max(alone)}


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_drops_come_at_their_rate(rate: float) -> None:
    n = 20_000
    link = FaultyBackend(_Counting(), lambda value: value, [Drop(rate=rate)], 11)
    kept = sum(link.grab(0.0) is not None for _ in range(n))
    spread = (n * rate * (1 - rate)) ** 0.5
    assert abs((n - kept) - n * rate) < 4 * spread


def test_reordered_samples_follow_their_successor_and_none_is_lost() -> None:
    counters = [raw.counter for raw in _through([Reorder(rate=0.3)], 2)]
    assert sorted(counters) == list(range(len(counters)))
    steps = np.diff(counters)
    assert set(np.unique(steps)) == {-1, 1, 2, 3}


@given(st.integers(0, 2**32), st.integers(1, 16))
def test_every_corruption_changes_the_bytes_and_not_the_checksum(seed: int, n: int) -> None:
    for raw in _through([Corrupt(n_bytes=n)], seed, 5):
        sent = np.full(8, raw.counter + 1, np.uint16)
        assert raw.checksum == checksum(sent)
        assert np.count_nonzero(raw.value.view(np.uint8) != sent.view(np.uint8)) == n


def test_a_sample_of_another_shape_is_refused() -> None:
    driver, device = truth_driver(RATE_HZ)
    grab = device.grab

    def misshapen(timeout_s: float) -> Any:
        raw = grab(timeout_s)
        odd = raw is not None and raw.counter % 2
        return replace(raw, value=np.zeros(2)) if odd else raw

    device.grab = misshapen  # type: ignore[method-assign]
    with driver:
        values = [driver.read(5.0).value for _ in range(5)]
        assert driver.health.counters.corrupt >= 4
        assert driver.health.state is State.DEGRADED
    assert {value.shape for value in values} == {(1,)}


def test_a_device_library_that_raises_anything_kills_nothing() -> None:
    driver, device = truth_driver(RATE_HZ)
    grab, failures = device.grab, deque([ZeroDivisionError("1/0"), OSError("bus"), KeyError("k")])

    def failing(timeout_s: float) -> Any:
        if failures and device.counter == 5:
            raise failures.popleft()
        return grab(timeout_s)

    def objecting() -> None:
        raise RuntimeError("already gone")

    device.grab = failing  # type: ignore[method-assign]
    device.disconnect = objecting  # type: ignore[method-assign]
    with driver:
        assert driver.read(5.0).seq == 0
        while driver.read(5.0).seq < 8:
            pass
        assert driver.health.counters.reconnects == 3
    assert device.connections == 4


def test_a_call_that_never_returns_holds_up_neither_close_nor_health(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "JOIN_S", 0.1)
    driver, device = truth_driver(RATE_HZ)
    grab, free = device.grab, threading.Event()

    def stuck(timeout_s: float) -> Any:
        if device.counter == 5:
            free.wait(30.0)
        return grab(timeout_s)

    device.grab = stuck  # type: ignore[method-assign]
    with driver:
        while driver.read(5.0).seq < 4:
            pass
        time.sleep(0.3)
        assert driver.health.state is State.DEGRADED
    with pytest.raises(DriverError, match="has not returned"):
        driver.open()
    free.set()
    deadline = time.monotonic() + 10.0
    while not driver.is_open and time.monotonic() < deadline:
        with suppress(DriverError):
            driver.open()
        time.sleep(0.01)
    with driver:
        assert driver.read(5.0).seq >= 0


def test_faults_go_under_a_closed_streaming_driver_only(tmp_path: Any) -> None:
    camera = create({"kind": "camera", "type": "sim", "height_px": 8, "width_px": 8,
                     "parameters": {"height_px": 8, "width_px": 8}})  # fmt: skip
    with camera, pytest.raises(ValueError, match="before the driver is opened"):
        inject(camera, [Drop()])
    with Recorder(tmp_path / "a.mcap") as recorder, pytest.raises(TypeError, match="Tee"):
        inject(recorder.tee(camera), [Drop()])
    with pytest.raises(ValueError, match="rate"):
        Drop(rate=1.5)
