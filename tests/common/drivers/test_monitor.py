"""The health logic on a clock of our own: exact limits, no threads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drivers.base import State
from common.drivers.monitor import (
    HOLD_S,
    ClockWatch,
    Monitor,
    Order,
    Sequencer,
    silence_limit_s,
)

pytestmark = pytest.mark.common

RATE_HZ = 50.0
PERIOD_S = 1 / RATE_HZ


def running(rate_hz: float | None = RATE_HZ, samples: int = 20) -> tuple[Monitor, float]:
    """A healthy monitor, and the time of its last sample."""
    period_s = 1 / (rate_hz or RATE_HZ)
    monitor = Monitor(rate_hz, device_clock=True, now=0.0)
    now = 0.0
    for n in range(samples):
        now = n * period_s
        monitor.arrived(n, int(n * period_s * 1e9) + 1, now)
    return monitor, now


@pytest.mark.parametrize("rate_hz", [0.5, 1.0, 10.0, 100.0, 5000.0])
def test_silence_is_noticed_within_two_periods_or_half_a_second(rate_hz: float) -> None:
    monitor, last = running(rate_hz)
    limit = max(2 / rate_hz, 0.5)
    assert monitor.health(last + 0.99 * silence_limit_s(rate_hz)).state is State.READY
    late = monitor.health(last + limit * 1.001)
    assert late.state is State.DEGRADED and late.reason.startswith("no sample for")


def test_is_ready_at_once_when_samples_come_again() -> None:
    monitor, last = running()
    assert monitor.health(last + 10).state is State.DEGRADED
    monitor.arrived(20, int((last + 10) * 1e9), last + 10)
    assert monitor.health(last + 10.001).state is State.READY


def test_a_lost_connection_is_unavailable_and_recovers_within_two_seconds() -> None:
    monitor, last = running()
    monitor.disconnected(last, "cable")
    assert monitor.health(last + 100).state is State.UNAVAILABLE
    assert monitor.health(last + 100).reason == "cable"
    monitor.connected(last + 100)
    assert monitor.health(last + 100.01).state is State.DEGRADED  # nothing has come yet
    monitor.arrived(0, 1, last + 100.02)
    assert monitor.health(last + 100.02).state is State.READY
    assert monitor.health(last + 100.02).counters.reconnects == 1


@pytest.mark.parametrize(
    ("counter", "device_s", "counted"),
    [
        (23, 23 * PERIOD_S, "dropped"),
        (19, 19 * PERIOD_S, "duplicates"),
        (20, 20 * PERIOD_S + 3600, "clock_steps"),
        (20, 0.0, "clock_steps"),
    ],
)
def test_a_fault_shows_at_once_and_is_forgotten_within_two_seconds(
    counter: int, device_s: float, counted: str
) -> None:
    monitor, last = running()
    now = last + PERIOD_S
    monitor.arrived(counter, int(device_s * 1e9), now)
    assert monitor.health(now).state is State.DEGRADED
    assert getattr(monitor.health(now).counters, counted) == (3 if counted == "dropped" else 1)
    for n in range(1, int((HOLD_S + 0.1) * RATE_HZ)):
        monitor.arrived(counter + 10 + n, int((device_s + n * PERIOD_S) * 1e9), now + n * PERIOD_S)
        if n == 1:  # the jump of the counter is a loss of its own; let it not hide the recovery
            second_fault = now + PERIOD_S
    done = now + n * PERIOD_S
    assert done - second_fault < 2.0
    assert monitor.health(done).state is State.READY


def test_a_late_sample_counts_as_lost_and_as_reordered_and_is_not_delivered() -> None:
    monitor, last = running()
    assert monitor.arrived(21, int(1e12), last) is not None
    assert monitor.arrived(20, int(1e12), last) is None
    counters = monitor.health(last).counters
    assert (counters.dropped, counters.reordered, counters.duplicates) == (1, 1, 0)


def test_a_slow_consumer_is_not_the_devices_fault() -> None:
    monitor, last = running()
    monitor.paused()
    assert monitor.health(last + 60).state is State.READY
    monitor.resumed(last + 60)
    monitor.overrun(7)
    assert monitor.health(last + 60.1).state is State.READY
    assert monitor.health(last + 60.1).counters.overruns == 7
    assert monitor.health(last + 61).state is State.DEGRADED


def test_without_a_rate_only_a_trigger_makes_a_sample_due() -> None:
    monitor = Monitor(None, device_clock=True, now=0.0)
    assert monitor.health(1000.0).state is State.READY
    monitor.expect(2, 1000.0)
    monitor.arrived(0, 1, 1000.1)
    assert monitor.health(1000.2).state is State.READY
    assert monitor.health(1000.6).state is State.DEGRADED  # the second one is missing
    monitor.arrived(1, 2, 1000.7)
    assert monitor.health(2000.0).state is State.READY


@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_seq_rises_strictly_whatever_the_counter_does(counters: list[int]) -> None:
    order = Sequencer()
    given_out = [seq for verdict, seq, _ in map(order.step, counters) if verdict is Order.NEXT]
    assert given_out == sorted(set(given_out))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.data())
def test_seq_rises_strictly_through_reconnections(counters: list[int], data: st.DataObject) -> None:
    order = Sequencer()
    given_out = []
    for counter in counters:
        if data.draw(st.booleans()):
            order.reconnected()
        verdict, seq, _ = order.step(counter)
        if verdict is Order.NEXT:
            given_out.append(seq)
    assert given_out == sorted(set(given_out))


@given(st.sets(st.integers(1, 500), max_size=100))
def test_every_gap_is_counted(lost: set[int]) -> None:
    order = Sequencer()
    missing = sum(order.step(n)[2] for n in range(502) if n not in lost)
    assert missing == len(lost)


def test_a_device_that_restarts_goes_on_counting() -> None:
    order = Sequencer()
    for n in range(100, 110):
        assert order.step(n)[1] == n
    order.reconnected()
    assert [order.step(n)[1] for n in range(3)] == [110, 111, 112]


@given(st.lists(st.floats(0, 0.2), min_size=10, max_size=300), st.floats(-200, 200))
def test_delay_and_drift_are_no_clock_step(delays: list[float], ppm: float) -> None:
    clock = ClockWatch()
    for n, delay in enumerate(delays):
        taken = n * 0.1
        stepped, _ = clock.step(int(taken * (1 + ppm * 1e-6) * 1e9), 1000 + taken + delay)
        assert not stepped


def test_the_time_of_capture_sees_through_a_delayed_delivery() -> None:
    clock = ClockWatch()
    for n in range(50):
        clock.step(int(n * 0.1e9), 100 + n * 0.1 + 0.002)
    _, taken_at = clock.step(int(5.0e9), 100 + 5.0 + 3.0)  # three seconds in somebody's buffer
    assert taken_at == pytest.approx(105.002, abs=1e-6)
