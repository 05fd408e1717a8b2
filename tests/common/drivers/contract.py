"""What every driver keeps, whatever its kind: simulated, replayed, real, or behind faults.

A suite for a new kind is a class of its own over this one with a fixture `make`, a function that
gives a new driver, not opened, of at least 30 samples:

    class TestImu(DriverContract):
        @pytest.fixture(params=[...])
        def make(self, request, tmp_path): ...
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from common.drivers.base import (
    AlreadyOpenError,
    ClosedError,
    DisconnectedError,
    Driver,
    DriverTimeoutError,
    NotOpenError,
    StaleError,
    State,
)
from common.drivers.faults import Disconnect, Stall, inject
from common.drivers.stream import StreamDriver

Make = Callable[[], Driver[Any]]
PATIENCE_S = 20.0  # for what must come, on a busy machine
FOREVER_S = 3600.0


class DriverContract:
    """Test methods; the fixture `make` comes from the class that inherits them."""

    def test_declares_itself_before_it_is_opened(self, make: Make) -> None:
        driver = make()
        assert not driver.is_open
        assert driver.health.state is State.UNAVAILABLE
        assert driver.spec.kind and driver.spec.type and driver.spec.frame_id
        assert min(driver.spec.shape) > 0 and np.dtype(driver.spec.dtype)

    def test_samples_are_as_declared(self, make: Make) -> None:
        with make() as driver:
            spec = driver.spec
            for _ in range(5):
                sample = driver.read(PATIENCE_S)
                array = _array(driver, sample.value)
                assert array.shape == spec.shape
                assert array.dtype == np.dtype(spec.dtype)
                assert sample.frame_id == spec.frame_id
            assert driver.spec == spec

    def test_reading_before_open_is_refused(self, make: Make) -> None:
        driver = make()
        with pytest.raises(NotOpenError):
            driver.read(0.0)
        with pytest.raises(NotOpenError):
            driver.read_latest(1.0)

    def test_open_twice_is_refused_and_does_no_harm(self, make: Make) -> None:
        driver = make()
        driver.open()
        try:
            with pytest.raises(AlreadyOpenError):
                driver.open()
            assert driver.is_open
            assert driver.read(PATIENCE_S).seq >= 0
        finally:
            driver.close()

    def test_with_opens_once_and_closes(self, make: Make) -> None:
        driver = make()
        driver.open()
        with driver as same:
            assert same is driver and driver.is_open
        assert not driver.is_open

    def test_close_is_idempotent_and_final(self, make: Make) -> None:
        driver = make()
        driver.close()
        driver.open()
        driver.close()
        driver.close()
        assert driver.health.state is State.UNAVAILABLE
        with pytest.raises(ClosedError):
            driver.read(0.0)
        with pytest.raises(ClosedError):
            driver.read_latest(1.0)

    def test_seq_and_device_time_rise_strictly(self, make: Make) -> None:
        with make() as driver:
            samples = [driver.read(PATIENCE_S) for _ in range(20)]
        assert (np.diff([sample.seq for sample in samples]) > 0).all()
        assert (np.diff([sample.device_time_ns for sample in samples]) > 0).all()

    def test_is_ready_when_samples_come(self, make: Make) -> None:
        with make() as driver:
            driver.read(PATIENCE_S)
            assert _comes_true(lambda: driver.health.state is State.READY)
            assert driver.health.reason == ""
            assert driver.health.counters.received >= 1

    def test_a_stale_sample_is_refused(self, make: Make) -> None:
        with make() as driver:
            driver.read(PATIENCE_S)
            with pytest.raises(StaleError):
                driver.read_latest(0.0)

    def test_stale_after_silence(self, make: Make) -> None:
        with silent_after(3, make()) as driver:
            last = driver.read_latest(FOREVER_S)
            time.sleep(0.15)
            with pytest.raises(StaleError):
                driver.read_latest(0.15)
            assert driver.read_latest(FOREVER_S).seq == last.seq

    def test_read_does_not_go_back_behind_read_latest(self, make: Make) -> None:
        with make() as driver:
            driver.read(PATIENCE_S)
            newest = driver.read_latest(FOREVER_S)
            assert driver.read(PATIENCE_S).seq >= newest.seq

    def test_read_times_out(self, make: Make) -> None:
        with silent_after(2, make()) as driver:
            started = time.monotonic()
            with pytest.raises(DriverTimeoutError):
                driver.read(0.2)
            assert time.monotonic() - started >= 0.2

    def test_close_wakes_a_waiting_read(self, make: Make) -> None:
        with silent_after(2, make()) as driver:
            caught: list[BaseException] = []
            waiting = threading.Event()

            def wait() -> None:
                waiting.set()
                try:
                    driver.read()
                except BaseException as error:
                    caught.append(error)

            reader = threading.Thread(target=wait)
            reader.start()
            assert waiting.wait(PATIENCE_S)
            time.sleep(0.1)
            driver.close()
            reader.join(PATIENCE_S)
            assert not reader.is_alive()
        assert [type(error) for error in caught] == [ClosedError]

    def test_reopens_from_the_start(self, make: Make) -> None:
        driver = make()
        with driver:
            last = [driver.read(PATIENCE_S) for _ in range(15)][-1]
        with driver:
            assert driver.read(PATIENCE_S).seq < last.seq
        assert driver.health.state is State.UNAVAILABLE

    def test_comes_back_by_itself_after_a_fault(self, make: Make) -> None:
        driver = inject(make(), [Disconnect(at=3, duration_s=0.2)])
        with driver:
            before = [driver.read(PATIENCE_S) for _ in range(3)]
            after = [driver.read(PATIENCE_S) for _ in range(5)]
            assert driver.health.counters.reconnects >= 1
        assert (np.diff([sample.seq for sample in before + after]) > 0).all()

    def test_reopens_after_a_fault(self, make: Make) -> None:
        driver = inject(make(), [Disconnect(at=2, duration_s=0.4)])
        with driver:
            assert _comes_true(lambda: driver.health.state is State.UNAVAILABLE)
        with pytest.raises(DisconnectedError):
            driver.open()
        assert not driver.is_open
        time.sleep(0.4)
        with driver:
            assert driver.read(PATIENCE_S).seq >= 0


@contextmanager
def silent_after(count: int, driver: Driver[Any]) -> Iterator[Driver[Any]]:
    """The driver, opened, its queue read empty and its device silent for good."""
    silenced = inject(driver, [Stall(at=count, duration_s=FOREVER_S)])
    with silenced:
        for _ in range(count):
            silenced.read(PATIENCE_S)
        yield silenced


def _array(driver: Driver[Any], value: Any) -> Any:
    assert isinstance(driver, StreamDriver)
    return driver.view(value)


def _comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()
