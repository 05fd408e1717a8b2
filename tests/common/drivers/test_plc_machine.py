"""The simulated PLC's program: it fires where it should, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest

from common.drivers.plc.config import SimPlcConfig, SorterSettings
from common.drivers.plc.edges import Barrier
from common.drivers.plc.machine import WATCHDOG_S, Machine
from common.drivers.plc.plant import EvenBelt, Inputs, Outputs
from common.types.plc import Alarm, Event, Mode, Outcome, PlcStatus

from .plcs import order

pytestmark = pytest.mark.common

SETTINGS = SorterSettings()
CONFIG = SimPlcConfig()


class Bench(EvenBelt):
    """The even belt, with every output noted and faults to switch on."""

    def __init__(self, config: SimPlcConfig = CONFIG) -> None:
        super().__init__(config)
        self.outputs: list[Outputs] = []
        self.jammed = self.lame = self.blind = False

    def step(self, dt_s: float, outputs: Outputs) -> Inputs:
        self.outputs.append(outputs)
        driven = Outputs(outputs.belt and not self.jammed, outputs.coils)
        inputs = super().step(dt_s, driven)
        strokes = tuple(stroke and not self.lame for stroke in inputs.strokes)
        second = inputs.second and not self.blind
        return Inputs(inputs.encoder, inputs.camera, second, strokes)


class Host:
    """Runs the machine with a command every 10 ms of its time."""

    def __init__(self, plant: Bench | None = None) -> None:
        self.plant = plant or Bench()
        self.machine = Machine(self.plant, SETTINGS)
        self.now = 0.0
        self.beat = 0
        self.events: list[Event] = []
        self.silent = False

    @property
    def status(self) -> PlcStatus:
        return PlcStatus(self.machine.status())

    def run(self, seconds: float, orders: dict[int, int] | None = None) -> PlcStatus:
        for cycle in range(round(seconds / 0.01)):
            self.now += 0.01
            self.machine.advance(self.now)
            if not self.silent:
                self.beat += 1
                given = orders or {} if cycle == 0 else {}
                self.machine.command(order(self.status, self.beat, given), self.now)
            seen = len(self.events)
            self.events += self.status.events_since(seen)
        return self.status


def test_a_part_is_diverted_where_it_is_with_the_response_taken_off() -> None:
    host = Host()
    host.run(0.35)
    first = host.status.triggers_since(0)[0]
    assert first[0] == 0
    host.run(1.5, {0: 2})
    assert [(e.part, e.outcome, e.lane) for e in host.events] == [(0, Outcome.DIVERTED, 2)]
    middle_mm = (host.events[0].at - first[1]) * SETTINGS.count_mm - SETTINGS.part_mm / 2
    # in full stroke when the part's middle is there, within two scans of belt travel
    assert middle_mm == pytest.approx(SETTINGS.lanes_mm[1], abs=2 * 0.002 * CONFIG.speed_mm_s)


def test_nothing_is_fired_without_an_order() -> None:
    host = Host()
    status = host.run(3.0)
    assert status.one("triggers") > 10 and status.one("outcomes") == 0
    assert not any(any(outputs.coils) for outputs in host.plant.outputs)


@pytest.mark.parametrize(
    ("wait_s", "part", "lane", "outcome"),
    [
        (0.6, 0, 1, Outcome.LATE),
        (0.3, 99, 1, Outcome.REFUSED),
        (0.3, 0, 0, Outcome.REFUSED),
        (0.3, 0, 4, Outcome.REFUSED),
    ],
)
def test_an_order_that_cannot_be_is_refused(
    wait_s: float, part: int, lane: int, outcome: Outcome
) -> None:
    host = Host()
    host.run(wait_s)
    host.run(1.5, {part: lane})
    assert [event.outcome for event in host.events] == [outcome]
    assert not any(any(outputs.coils) for outputs in host.plant.outputs)


def test_a_part_that_is_not_confirmed_is_not_swept() -> None:
    host = Host()
    host.plant.blind = True
    host.run(0.3)
    host.run(1.5, {0: 1})
    assert [event.outcome for event in host.events] == [Outcome.NOT_SEEN]


@pytest.mark.parametrize("pitch_mm", [21.0, 40.0, 54.0])
def test_parts_too_close_are_left_alone(pitch_mm: float) -> None:
    host = Host(Bench(SimPlcConfig(pitch_mm=pitch_mm)))
    host.run(0.3)
    host.run(1.5, {1: 1})
    assert [event.outcome for event in host.events] == [Outcome.CROWDED]


def test_parts_that_touch_are_one_long_one_and_left_alone() -> None:
    host = Host(Bench(SimPlcConfig(pitch_mm=100.0, settings=SorterSettings(part_mm=40.0))))
    host.run(0.3)
    host.run(1.5, {0: 1})
    assert [event.outcome for event in host.events] == [Outcome.CROWDED]


def test_silence_of_the_host_stops_belt_and_coils_and_stays_so() -> None:
    host = Host()
    host.run(0.35)
    host.run(0.05, {0: 1})
    host.silent = True
    at = host.now
    while host.status.mode is Mode.RUNNING:
        host.run(0.01)
    assert host.now - at == pytest.approx(SETTINGS.heartbeat_s, abs=0.03)
    assert host.status.alarms is Alarm.HOST_LOST
    assert [event.outcome for event in host.events] == [Outcome.FLUSHED]
    resets, host.silent = host.status.one("resets"), False
    encoder = host.run(0.5).one("encoder")
    assert host.status.mode is Mode.TRIPPED  # the heartbeat alone lifts nothing
    assert host.run(0.3).one("encoder") == encoder
    words = order(host.status, host.beat + 1, {}, resets + 1)
    host.machine.command(words, host.now)
    assert host.status.mode is Mode.RUNNING


@pytest.mark.parametrize(
    ("fault", "alarm"), [("jammed", Alarm.BELT_STALL), ("lame", Alarm.EJECTOR)]
)
def test_broken_mechanics_trip(fault: str, alarm: Alarm) -> None:
    host = Host()
    host.run(0.3)
    setattr(host.plant, fault, True)
    status = host.run(1.2, {0: 1})
    assert (status.mode, status.alarms) == (Mode.TRIPPED, alarm)
    assert not host.plant.outputs[-1].belt and not any(host.plant.outputs[-1].coils)


def test_a_hung_program_answers_with_its_old_image_and_lets_the_outputs_go() -> None:
    host = Host()
    host.run(0.5)
    before = host.machine.status()
    host.machine.freeze(host.now + 0.5)
    noted = len(host.plant.outputs)
    host.run(0.4)
    assert (host.machine.status() == before).all()
    driven = [outputs.belt for outputs in host.plant.outputs[noted:]]
    assert sum(driven) * SETTINGS.scan_s == pytest.approx(WATCHDOG_S, abs=0.005)
    assert not driven[-1]
    status = host.run(0.2)
    assert (status.mode, status.alarms) == (Mode.TRIPPED, Alarm.SCAN)


def test_a_restart_counts_from_0() -> None:
    host = Host()
    host.run(1.0)
    host.machine.restart()
    status = host.status
    assert [status.one(name) for name in ("triggers", "orders", "outcomes", "resets")] == [0] * 4
    assert (status.mode, status.alarms) == (Mode.STOPPED, Alarm.RESTARTED)


def test_a_flood_of_orders_costs_no_more_than_a_ring() -> None:
    host = Host()
    host.run(0.3)
    words = order(host.status, 99, {})
    words[3:5] = 0xFFFF  # the count of orders
    host.machine.command(np.asarray(words), host.now)
    assert host.status.one("outcomes") == 8


def test_chatter_of_a_barrier_is_one_body() -> None:
    barrier = Barrier(shortest=150)
    rising = [barrier.step(covered, at) for at, covered in
              [(0, True), (50, False), (90, True), (200, False), (700, True)]]  # fmt: skip
    assert rising == [True, False, True, False, True]
    bodies = barrier.near(0, 10_000)
    assert [(body.head, body.tail) for body in bodies] == [(0, 200), (700, None)]
