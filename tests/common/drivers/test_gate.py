"""The gate: nothing passes that should not, whatever comes in whatever order."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drivers.gate import Gate, GateError, LimitError, RateError, StoppedError

pytestmark = pytest.mark.common

LIMITS = {"angle_rad": (-1.0, 2.0)}


def opened(rate_hz: int = 1000, now: float = 0.0) -> Gate:
    gate = Gate(LIMITS, rate_hz)
    gate.beat(1, now)
    gate.reset(now)
    return gate


def test_it_starts_stopped_and_opens_on_a_heartbeat_and_a_reset_alone() -> None:
    gate = Gate(LIMITS, 10)
    with pytest.raises(StoppedError, match="reset"):
        gate.check({"angle_rad": 0.0}, 0.0)
    with pytest.raises(StoppedError, match="without a heartbeat"):
        gate.reset(0.0)
    gate.beat(1, 0.0)
    with pytest.raises(StoppedError):
        gate.check({"angle_rad": 0.0}, 0.0)
    gate.reset(0.1)
    gate.check({"angle_rad": 0.0}, 0.1)


@pytest.mark.parametrize("silent_s", [0.201, 1.0, 1e6])
def test_a_late_heartbeat_latches(silent_s: float) -> None:
    gate = opened()
    gate.beat(2, silent_s)  # it is back before anybody looked: it was late all the same
    assert "no heartbeat" in gate.reason
    with pytest.raises(StoppedError):
        gate.check({"angle_rad": 0.0}, silent_s)
    gate.reset(silent_s)
    gate.check({"angle_rad": 0.0}, silent_s)


def test_a_number_that_stands_still_is_no_heartbeat() -> None:
    gate = opened()
    for k in range(30):
        gate.beat(1, k * 0.01)
    assert not gate.watch(0.3)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_only_values_within_the_limits_pass(value: float) -> None:
    gate = opened()
    if -1.0 <= value <= 2.0:
        gate.check({"angle_rad": value}, 0.0)
    else:
        with pytest.raises(LimitError):
            gate.check({"angle_rad": value}, 0.0)


@pytest.mark.parametrize("values", [{}, {"speed": 0.0}, {"angle_rad": 0.0, "speed": 0.0}])
def test_a_command_names_exactly_the_values_that_have_limits(values: dict[str, float]) -> None:
    with pytest.raises(LimitError):
        opened().check(values, 0.0)


@given(st.lists(st.floats(0.0, 0.15), min_size=1, max_size=80), st.integers(1, 8))
def test_no_second_holds_more_commands_than_allowed(waits: list[float], rate_hz: int) -> None:
    gate, now, passed = opened(rate_hz), 0.0, list[float]()
    for beat, wait in enumerate(waits, start=2):
        now += wait
        gate.beat(beat, now)
        try:
            gate.check({"angle_rad": 0.0}, now)
        except RateError:
            assert sum(now - at < 1.0 for at in passed) == rate_hz
        else:
            passed.append(now)
    assert all(sum(at <= t < at + 1.0 for t in passed) <= rate_hz for at in passed)


STEPS = st.one_of(
    st.tuples(st.just("beat"), st.floats(0.0, 0.3)),
    st.tuples(st.just("check"), st.floats(0.0, 0.3)),
    st.tuples(st.just("reset"), st.floats(0.0, 0.3)),
    st.tuples(st.just("stop"), st.floats(0.0, 0.3)),
)


@given(st.lists(STEPS, max_size=60))
def test_whatever_passes_had_a_heartbeat_and_a_reset_since_the_last_stop(
    steps: list[tuple[str, float]],
) -> None:
    gate, now, beats, last_beat, is_open = Gate(LIMITS, 10_000), 0.0, 0, -math.inf, False
    for what, wait in steps:
        now += wait
        is_open = is_open and now - last_beat <= 0.2
        if what == "beat":
            beats, last_beat = beats + 1, now
            gate.beat(beats, now)
        elif what == "stop":
            gate.stop("emergency")
            is_open = False
        else:
            try:
                gate.reset(now) if what == "reset" else gate.check({"angle_rad": 0.0}, now)
                passed = True
            except GateError:
                passed = False
            if what == "reset":
                assert passed == (now - last_beat <= 0.2)
                is_open = is_open or passed
            else:
                assert passed == is_open


@pytest.mark.parametrize(
    ("limits", "rate_hz", "heartbeat_s"),
    [({"a": (1.0, 0.0)}, 1, 0.2), ({"a": (math.nan, 1.0)}, 1, 0.2), ({}, 0, 0.2), ({}, 1, 0.0)],
)
def test_a_gate_that_could_not_work_is_refused(
    limits: dict[str, tuple[float, float]], rate_hz: int, heartbeat_s: float
) -> None:
    with pytest.raises(ValueError, match=r"must be|least"):
        Gate(limits, rate_hz, heartbeat_s)
