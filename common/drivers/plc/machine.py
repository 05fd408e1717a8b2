"""The program of the simulated PLC: what a sorter's PLC must do, a scan at a time.

It counts triggers, takes orders "part n into lane k", confirms each part at a second light barrier
and fires the ejector at the part's encoder count. Whatever is not certain is not fired: the part
then stays on the belt to its end. A lost host, a program that hung, a belt that stands though it is
driven and an ejector without stroke trip it: belt and coils off, orders flushed, until a reset.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from common.drivers.plc.config import SorterSettings
from common.drivers.plc.edges import KEPT, Barrier
from common.drivers.plc.plant import Inputs, Outputs, Plant
from common.types.plc import COMMAND, RING, STATUS, Alarm, Event, Mode, Outcome, Words

WATCHDOG_S = 0.02  # the output terminals let go when the program has not scanned for so long
MOST_ORDERS = KEPT
TRACK = 16  # scans over which the speed is taken

What = Literal["trigger", "order", "stroke"]
Tell = Callable[[What, int, float], None]


@dataclass(slots=True)
class Order:
    """An order on its way. fire_at: encoder count of its coil, once the part was confirmed."""

    part: int
    lane: int
    seen_at: int
    fire_at: int | None = None


@dataclass(slots=True)
class Stroke:
    """A coil that is on until encoder count `until`."""

    order: Order
    fired_s: float
    until: int
    confirmed: bool = False


class Machine:
    """A PLC with its plant. All public methods may be called from any thread.

    started_s: time of the first scan, on the clock that `advance` and `command` get. The camera is
    triggered by an output of the PLC, which `tell` stands for: a camera on the light barrier itself
    would count on while the program hangs, and every later part would get another's picture.

    tell: gets "trigger", "order" (it was taken) or "stroke" (the sensor saw it), part and time.
    """

    def __init__(
        self,
        plant: Plant,
        settings: SorterSettings = SorterSettings(),  # noqa: B008 - frozen
        clock_us: Callable[[float], int] = lambda time_s: round(time_s * 1e6),
        started_s: float = 0.0,
    ) -> None:
        self.settings = settings
        self.tell: Tell = lambda what, part, now_s: None
        self._plant, self._clock_us = plant, clock_us
        self._lock = threading.RLock()
        self._started_s = started_s
        self._scans = 0
        self._frozen_s = self._frozen_until_s = started_s
        self._restart()

    def _restart(self) -> None:
        settings = self.settings
        lanes = len(settings.lanes_mm)
        self._camera = Barrier(0)
        self._second = Barrier(settings.counts(settings.shortest_mm))
        self._mode, self._alarms = Mode.STOPPED, Alarm(0)
        self._encoder, self._heartbeat = 0, 0
        self._host = self._resets = 0
        self._host_s = self._moved_s = self._scanned_s = self._started_s
        self._clock_s = self._scans * self.settings.scan_s
        self._track: deque[tuple[float, int]] = deque(maxlen=TRACK)
        self._trigger_at: deque[int] = deque(maxlen=KEPT)
        self._triggers = self._orders_taken = 0
        self._orders: list[Order] = []
        self._strokes: dict[int, Stroke] = {}
        self._events: deque[Event] = deque(maxlen=RING)
        self._outcomes = 0
        self._outputs = self._off = Outputs(False, (False,) * lanes)

    def advance(self, now_s: float) -> None:
        """Scan until `now_s`."""
        with self._lock:
            scan_s = self.settings.scan_s
            while (due_s := self._started_s + (self._scans + 1) * scan_s) <= now_s:
                self._scans += 1
                if due_s < self._frozen_until_s:
                    self._stand_still(due_s)
                else:
                    self._scan(due_s)

    def freeze(self, until_s: float) -> None:
        """The program hangs until then; the terminals keep their state until their watchdog."""
        with self._lock:
            self._frozen_until_s = until_s
            self._frozen_s = self._started_s + self._scans * self.settings.scan_s

    def restart(self) -> None:
        """Power cycle: all counts and orders are lost."""
        with self._lock:
            self._restart()
            self._alarms = Alarm.RESTARTED

    def status(self) -> Words:
        """The status image, (STATUS.words,) uint16."""
        with self._lock:
            events: list[Event | None] = [None] * RING
            for back, event in enumerate(reversed(self._events)):
                events[(self._outcomes - 1 - back) % RING] = event
            ring = [0] * RING
            recent = list(self._trigger_at)[-RING:]
            for back, at in enumerate(reversed(recent)):
                ring[(self._triggers - 1 - back) % RING] = at
            return STATUS.pack(
                heartbeat=self._heartbeat,
                heartbeat_echo=self._host,
                mode=int(self._mode),
                alarms=int(self._alarms),
                resets=self._resets,
                clock_us=self._clock_us(self._clock_s),
                encoder=self._encoder,
                triggers=self._triggers,
                orders=self._orders_taken,
                outcomes=self._outcomes,
                trigger_at=ring,
                outcome_part=[e.part if e else 0 for e in events],
                outcome_code=[int(e.outcome) << 8 | e.lane if e else 0 for e in events],
                outcome_at=[e.at if e else 0 for e in events],
            )

    def command(self, words: Words, now_s: float) -> None:
        """Take a command image that arrived at `now_s`."""
        with self._lock:
            if now_s < self._frozen_until_s:
                return  # written into memory that nobody reads now, and overwritten later
            host, run, resets, orders = (
                COMMAND.get(words, name)[0] for name in ("heartbeat", "run", "resets", "orders")
            )
            if host != self._host:
                self._host, self._host_s = host, now_s
            if resets != self._resets:
                self._resets, self._alarms, self._mode = resets, Alarm(0), Mode.STOPPED
                self._moved_s = now_s
            if self._mode is not Mode.TRIPPED:
                self._run(Mode.RUNNING if run else Mode.STOPPED, now_s)
            parts, lanes = COMMAND.get(words, "order_part"), COMMAND.get(words, "order_lane")
            for number in range(max(self._orders_taken, orders - RING), orders):
                self._take(parts[number % RING], lanes[number % RING], now_s)
            self._orders_taken = max(orders, self._orders_taken)

    def _run(self, mode: Mode, now_s: float) -> None:
        if mode is not self._mode:
            self._mode, self._moved_s = mode, now_s
            if mode is Mode.STOPPED:
                self._flush()

    def _take(self, part: int, lane: int, now_s: float) -> None:
        first = self._triggers - len(self._trigger_at)
        known = first <= part < self._triggers and 1 <= lane <= len(self.settings.lanes_mm)
        if not known or len(self._orders) >= MOST_ORDERS:
            return self._done(part, Outcome.REFUSED, lane)
        if self._mode is not Mode.RUNNING:
            return self._done(part, Outcome.FLUSHED, lane)
        settings = self.settings
        seen_at = self._trigger_at[part - first] + settings.counts(settings.second_mm)
        if self._encoder >= seen_at - settings.counts(settings.tolerance_mm):
            return self._done(part, Outcome.LATE, lane)
        self._orders.append(Order(part, lane, seen_at))
        self.tell("order", part, now_s)
        return None

    def _scan(self, now_s: float) -> None:
        inputs = self._plant.step(self.settings.scan_s, self._outputs)
        self._heartbeat = (self._heartbeat + 1) & 0xFFFF
        self._clock_s = self._scans * self.settings.scan_s
        self._read(inputs, now_s)
        if self._mode is Mode.RUNNING:
            self._watch(now_s)
        self._scanned_s = now_s
        if self._mode is Mode.RUNNING:
            self._confirm()
            self._fire(now_s)
        self._feel(inputs, now_s)
        coils = [lane in self._strokes and self._encoder < self._strokes[lane].until
                 for lane in range(1, len(self.settings.lanes_mm) + 1)]  # fmt: skip
        running = self._mode is Mode.RUNNING
        self._outputs = Outputs(running, tuple(coils)) if running else self._off

    def _stand_still(self, now_s: float) -> None:
        """The plant goes on, the program does not."""
        dead = now_s - self._frozen_s > WATCHDOG_S
        self._plant.step(self.settings.scan_s, self._off if dead else self._outputs)

    def _read(self, inputs: Inputs, now_s: float) -> None:
        if inputs.encoder != self._encoder:
            self._moved_s = now_s
        self._encoder = inputs.encoder
        self._track.append((now_s, inputs.encoder))
        if self._camera.step(inputs.camera, inputs.encoder):
            self._trigger_at.append(inputs.encoder)
            self._triggers += 1
            self.tell("trigger", self._triggers - 1, now_s)
        self._second.step(inputs.second, inputs.encoder)

    def _watch(self, now_s: float) -> None:
        if now_s - self._scanned_s > WATCHDOG_S:
            self._trip(Alarm.SCAN)
        elif now_s - self._host_s > self.settings.heartbeat_s:
            self._trip(Alarm.HOST_LOST)
        elif now_s - self._moved_s > self.settings.stall_s:
            self._trip(Alarm.BELT_STALL)

    def _trip(self, alarm: Alarm) -> None:
        self._mode, self._alarms = Mode.TRIPPED, self._alarms | alarm
        self._flush()

    def _flush(self) -> None:
        for order in self._orders:
            self._done(order.part, Outcome.FLUSHED, order.lane)
        self._orders.clear()
        for stroke in self._strokes.values():
            stroke.until = 0

    def _confirm(self) -> None:
        """Find each ordered part at the second barrier; give up what was not there."""
        settings = self.settings
        tolerance = settings.counts(settings.tolerance_mm)
        for order in [o for o in self._orders if o.fire_at is None]:
            if self._encoder <= order.seen_at + tolerance:
                continue
            found = self._second.near(order.seen_at, tolerance)
            if len(found) != 1:
                outcome = Outcome.CROWDED if found else Outcome.NOT_SEEN
                self._orders.remove(order)
                self._done(order.part, outcome, order.lane)
                continue
            reach = settings.lanes_mm[order.lane - 1] - settings.second_mm + settings.part_mm / 2
            order.seen_at = found[0].head
            order.fire_at = order.seen_at + settings.counts(reach)

    def _fire(self, now_s: float) -> None:
        """Fire what is due, the ejector's response earlier; never beside a neighbour."""
        settings = self.settings
        moved = self._speed(now_s) * settings.response_s
        for order in [o for o in self._orders if o.fire_at is not None]:
            if order.fire_at is None or self._encoder < order.fire_at - moved:
                continue
            self._orders.remove(order)
            if self._encoder > order.fire_at:  # the part has passed: a stroke would hit another
                self._done(order.part, Outcome.LATE, order.lane)
                continue
            if order.lane in self._strokes or not self._alone(order.seen_at):
                self._done(order.part, Outcome.CROWDED, order.lane)
                continue
            until = self._encoder + settings.counts(settings.pulse_mm)
            self._strokes[order.lane] = Stroke(order, now_s, until)

    def _alone(self, head: int) -> bool:
        settings = self.settings
        near = self._second.near(head, settings.counts(settings.clearance_mm))
        tail = near[0].tail if len(near) == 1 else None
        return tail is not None and tail - head <= settings.counts(settings.longest_mm)

    def _speed(self, now_s: float) -> float:
        """Belt speed in counts/s over the last scans."""
        then_s, then = self._track[0]
        return (self._encoder - then) / (now_s - then_s) if now_s > then_s else 0.0

    def _feel(self, inputs: Inputs, now_s: float) -> None:
        """Strokes that their sensor confirms, and those it should have."""
        for lane, stroke in list(self._strokes.items()):
            order = stroke.order
            if inputs.strokes[lane - 1] and not stroke.confirmed:
                stroke.confirmed = True
                self.tell("stroke", order.part, now_s)
                self._done(order.part, Outcome.DIVERTED, lane)
            if not stroke.confirmed and now_s - stroke.fired_s > self.settings.stroke_limit_s:
                del self._strokes[lane]
                self._done(order.part, Outcome.NO_STROKE, lane)
                if self._mode is Mode.RUNNING:
                    self._trip(Alarm.EJECTOR)
                continue
            if stroke.confirmed and self._encoder >= stroke.until and not inputs.strokes[lane - 1]:
                del self._strokes[lane]

    def _done(self, part: int, outcome: Outcome, lane: int) -> None:
        self._events.append(Event(part, outcome, lane & 0xFF, self._encoder))
        self._outcomes += 1
