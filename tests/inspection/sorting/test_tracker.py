"""The tracker against every event looked up anew: no order that should not be, none twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.types.plc import Event, Outcome
from inspection.sorting.bins import Bins
from inspection.sorting.tracker import State, Tracker

pytestmark = pytest.mark.inspection

DECIDE_BY, SHORTEST = 2000, 150
KINDS = st.sampled_from(["good", "point", "coarse", "no such class", None])

# (belt counts until the next event, what happens, to which of the parts so far, its class)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from(["trigger", "trigger", "verdict", "verdict", "look"]),
        st.integers(0, 30),
        KINDS,
    ),
    max_size=80,
)


def expected_orders(history: list[tuple[str, int, int, str | None]]) -> list[tuple[int, int]]:
    """By brute force: each part's own story is read from the whole history, part by part.

    history: (what, encoder, part, kind). A part is ordered at the first look after its first
    verdict, if that look is in time, the verdict names a lane and the trigger was no double.
    """
    ordered = []
    triggers = [(part, at) for what, at, part, _ in history if what == "trigger"]
    real: list[int] = []
    for part, at in triggers:
        starts = [a for p, a in triggers if p in real]
        if not starts or at - starts[-1] >= SHORTEST:
            real.append(part)
    for part, at in triggers:
        verdict = None
        for what, encoder, other, kind in history:
            if what == "verdict" and other == part and verdict is None and encoder >= at:
                verdict = kind or "nothing"
            if what == "look" and encoder - at >= DECIDE_BY:
                break
            if what == "look" and verdict is not None and part in real:
                if lane := Bins().lane(verdict):
                    ordered.append((encoder, part, lane))
                break
    return [(part, lane) for _, part, lane in sorted(ordered)]


@given(EVENTS)
def test_orders_are_those_that_the_history_demands(
    events: list[tuple[int, str, int, str | None]],
) -> None:
    tracker, encoder, parts = Tracker(Bins(), DECIDE_BY, SHORTEST), 0, 0
    history: list[tuple[str, int, int, str | None]] = []
    orders = []
    for step, what, which, kind in events:
        encoder += step + 1  # events at one count have no order in time
        part = which % parts if parts else 0
        if what == "trigger":
            tracker.trigger(parts, encoder)
            history.append(("trigger", encoder, parts, None))
            parts += 1
        elif what == "verdict" and parts:
            tracker.decide(part, kind)
            history.append(("verdict", encoder, part, kind))
        elif what == "look":
            history.append(("look", encoder, -1, None))
            for tracked in tracker.due(encoder):
                assert tracked.lane is not None
                orders.append((tracked.part, tracked.lane))
                tracker.ordered(tracked.part)
    assert orders == expected_orders(history)
    assert len({part for part, _ in orders}) == len(orders)


def test_a_late_verdict_changes_nothing() -> None:
    tracker = Tracker(Bins(), DECIDE_BY, SHORTEST)
    tracker.trigger(0, 100)
    assert tracker.due(100 + DECIDE_BY) == []
    tracker.decide(0, "good")
    assert tracker.due(100 + DECIDE_BY) == []
    assert (tracker.parts[0].state, tracker.parts[0].why) == (State.GIVEN_UP, "no verdict in time")
    assert tracker.given_up == {"no verdict in time": 1}


def test_the_first_verdict_stands() -> None:
    tracker = Tracker(Bins(), DECIDE_BY, SHORTEST)
    tracker.trigger(0, 100)
    tracker.decide(0, "coarse")
    tracker.decide(0, "good")
    assert [t.lane for t in tracker.due(200)] == [3]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.DIVERTED])
def test_an_order_that_failed_leaves_the_part_for_recheck(outcome: Outcome) -> None:
    tracker = Tracker(Bins(), DECIDE_BY, SHORTEST)
    tracker.trigger(0, 100)
    tracker.decide(0, "good")
    tracker.due(200)
    tracker.ordered(0)
    tracker.outcome(Event(0, outcome, 1, 3000))
    assert tracker.parts[0].state is State.GIVEN_UP and tracker.parts[0].lane is None


def test_an_outcome_in_another_lane_is_not_taken_for_success() -> None:
    tracker = Tracker(Bins(), DECIDE_BY, SHORTEST)
    tracker.trigger(0, 100)
    tracker.decide(0, "good")
    tracker.ordered(0)
    tracker.outcome(Event(0, Outcome.DIVERTED, 2, 3000))
    assert tracker.parts[0].state is State.GIVEN_UP


def test_memory_is_bounded() -> None:
    tracker = Tracker(Bins(), DECIDE_BY, SHORTEST)
    for part in range(5000):
        tracker.trigger(part, part * 1000)
    assert len(tracker.parts) == 256 and tracker.parts[-1].part == 4999
