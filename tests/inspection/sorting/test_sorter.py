"""The sorter: what it tells a PLC that behaves, restarts, trips or falls silent."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from common.drivers.gate import StoppedError
from common.drivers.plc.config import SorterSettings
from common.types.plc import COMMAND, RING, STATUS, Alarm, Mode, PlcStatus, Words
from inspection.sorting.sorter import Sorter, Verdict

pytestmark = pytest.mark.inspection

SETTINGS = SorterSettings()


class Scene:
    """A PLC by hand: its signals are set, and go to the sorter every 10 ms."""

    def __init__(self) -> None:
        self.sorter = Sorter(SETTINGS)
        self.signals: dict[str, Any] = {"mode": int(Mode.STOPPED), "trigger_at": [0] * RING}
        self.now = 0.0
        self.beat = 0

    def step(self, *verdicts: tuple[int, str | None], **signals: Any) -> Words:
        self.signals.update(signals)
        self.now += 0.01
        self.beat += 1
        status = PlcStatus(STATUS.pack(heartbeat=self.beat, **self.signals))
        epoch = self.sorter.epoch
        return self.sorter.step(status, [Verdict(p, k, epoch) for p, k in verdicts], self.now)

    def start(self) -> None:
        self.step()
        self.sorter.start(self.now)
        resets = told(self.step(), "resets")
        self.step(resets=resets, mode=int(Mode.RUNNING))

    def trigger(self, part: int, at: int) -> None:
        self.signals["trigger_at"][part % RING] = at
        self.step(triggers=part + 1, encoder=at)


def told(words: Words, name: str) -> int:
    return COMMAND.get(words, name)[0]


def test_the_belt_does_not_run_before_the_operator_starts_it() -> None:
    scene = Scene()
    assert [told(scene.step(), "run") for _ in range(5)] == [0] * 5
    scene.start()
    assert told(scene.step(), "run") == 1


def test_starting_needs_a_plc() -> None:
    with pytest.raises(StoppedError, match="heartbeat"):
        Sorter(SETTINGS).start(0.0)


def test_a_verdict_becomes_an_order_for_its_own_part() -> None:
    scene = Scene()
    scene.start()
    scene.trigger(0, 1000)
    scene.trigger(1, 2000)
    words = scene.step((1, "coarse"))
    assert (told(words, "orders"), told(words, "order_part"), told(words, "order_lane")) == (
        1,
        1,
        3,
    )


def test_the_heartbeat_changes_with_every_step() -> None:
    scene = Scene()
    beats = [told(scene.step(), "heartbeat") for _ in range(70)]
    assert all(a != b for a, b in pairwise(beats))


def test_a_verdict_of_an_earlier_count_is_not_another_parts() -> None:
    scene = Scene()
    scene.start()
    scene.trigger(0, 1000)
    scene.step(resets=0, mode=int(Mode.STOPPED), triggers=0, encoder=0, orders=0)  # it restarted
    assert "anew" in scene.sorter.stopped
    before = scene.sorter.epoch
    scene.start()
    scene.trigger(0, 50)
    words = scene.sorter.step(None, [Verdict(0, "good", before)], scene.now)
    assert told(words, "orders") == 0


def test_a_trip_stops_and_is_told_with_its_cause() -> None:
    scene = Scene()
    scene.start()
    scene.trigger(0, 1000)
    scene.step(mode=int(Mode.TRIPPED), alarms=int(Alarm.EJECTOR))
    assert "EJECTOR" in scene.sorter.stopped
    words = scene.step((0, "good"), mode=int(Mode.STOPPED))
    assert (told(words, "run"), told(words, "orders")) == (0, 0)


def test_silence_stops_and_nothing_but_a_start_lifts_it() -> None:
    scene = Scene()
    scene.start()
    scene.now += 0.25
    assert told(scene.sorter.step(None, [], scene.now), "run") == 0
    assert "no heartbeat" in scene.sorter.stopped
    assert [told(scene.step(), "run") for _ in range(10)] == [0] * 10
    scene.start()
    assert told(scene.step(), "run") == 1


def test_no_more_orders_are_out_than_the_ring_holds() -> None:
    scene = Scene()
    scene.start()
    for part in range(12):
        scene.trigger(part, 1000 + 160 * part)
    words = scene.step(*((part, "good") for part in range(12)))
    assert told(words, "orders") == RING
    words = scene.step(orders=5)
    assert told(words, "orders") == 12


def test_the_gate_bounds_the_orders_of_a_second() -> None:
    scene = Scene()
    scene.start()
    for part in range(60):
        scene.trigger(part, 1000 + 10 * 16 * part)
        words = scene.step((part, "good"), orders=scene.sorter.tally.orders)
    assert scene.now < 2.0
    assert told(words, "orders") <= 50 * 2
