"""What a sorting PLC tells and is told: two tables of signals, and their values as words.

A process image is state, not a message: writing the same command twice does nothing twice. Events
are counted, and the last `RING` of a kind stand in a ring, event n in slot n % RING; whoever reads
late sees from the count that events were lost.

A part is the number of its trigger: the light barrier at the camera counts them, from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

RING = 8
Words = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Signal:
    """`count` unsigned numbers of `words` 16-bit words each, the high word first."""

    name: str
    words: int
    count: int = 1

    @property
    def total(self) -> int:
        """Words of the whole signal."""
        return self.words * self.count


class Layout:
    """Signals one after the other in an array of words."""

    def __init__(self, *signals: Signal) -> None:
        self.signals = signals
        starts = np.cumsum([0, *(signal.total for signal in signals)]).tolist()
        self.words = int(starts[-1])
        self._at = {s.name: (s, start) for s, start in zip(signals, starts, strict=False)}

    def place(self, name: str) -> tuple[Signal, int]:
        """A signal and its first word."""
        return self._at[name]

    def get(self, words: Words, name: str) -> list[int]:
        """The signal's numbers."""
        signal, start = self._at[name]
        return join(words[start : start + signal.total].tolist(), signal.words)

    def pack(self, **values: int | list[int]) -> Words:
        """Words of all signals; those not named are 0. OverflowError when one does not fit."""
        words = [0] * self.words
        for name, value in values.items():
            signal, start = self._at[name]
            numbers = [value] if isinstance(value, int) else value
            if len(numbers) != signal.count:
                raise ValueError(f"{name} has {signal.count} numbers, got {len(numbers)}")
            words[start : start + signal.words * signal.count] = split(numbers, signal.words)
        return np.array(words, np.uint16)


def join(words: list[int], each: int) -> list[int]:
    """Numbers of `each` words, the high word first."""
    if each == 1:
        return words
    numbers = []
    for first in range(0, len(words), each):
        number = 0
        for word in words[first : first + each]:
            number = number << 16 | word
        numbers.append(number)
    return numbers


def split(numbers: list[int], each: int) -> list[int]:
    """The words of numbers; the inverse of `join`."""
    if min(numbers) < 0 or max(numbers) >> 16 * each:
        raise OverflowError(f"{numbers} do not fit into {each} words each")
    if each == 1:
        return numbers
    return [number >> 16 * k & 0xFFFF for number in numbers for k in reversed(range(each))]


STATUS = Layout(
    Signal("heartbeat", 1),  # of the PLC: another number every scan
    Signal("heartbeat_echo", 1),  # the host's heartbeat as the PLC last saw it
    Signal("mode", 1),
    Signal("alarms", 1),
    Signal("resets", 1),  # the host's reset number that was last obeyed
    Signal("clock_us", 4),
    Signal("encoder", 2),
    Signal("triggers", 2),
    Signal("orders", 2),  # orders taken
    Signal("outcomes", 2),
    Signal("trigger_at", 2, RING),  # encoder counts
    Signal("outcome_part", 2, RING),
    Signal("outcome_code", 1, RING),  # Outcome << 8 | lane
    Signal("outcome_at", 2, RING),  # encoder counts
)
COMMAND = Layout(
    Signal("heartbeat", 1),
    Signal("run", 1),
    Signal("resets", 1),  # another number than before lifts a latched stop
    Signal("orders", 2),  # orders given since the PLC started
    Signal("order_part", 2, RING),
    Signal("order_lane", 1, RING),
)


class Mode(IntEnum):
    """Of the PLC. TRIPPED is latched: it takes a reset to leave it."""

    STOPPED = 0
    RUNNING = 1
    TRIPPED = 2


class Alarm(IntFlag):
    """Why the PLC tripped."""

    HOST_LOST = 1
    BELT_STALL = 2
    EJECTOR = 4
    RESTARTED = 8
    SCAN = 16  # the program hung for longer than the output terminals wait


class Outcome(IntEnum):
    """What became of an order.

    DIVERTED: the ejector's sensor confirmed its stroke. All else leaves the part on the belt:
    NOT_SEEN: no part at the second light barrier where this one was due. CROWDED: another part so
    near, or one so long, that the stroke could touch a neighbour. LATE: the part was past the
    second barrier, or past its ejector. REFUSED: unknown part or lane. FLUSHED: a stop came first.
    NO_STROKE: the ejector was fired and its sensor said nothing.
    """

    DIVERTED = 1
    NOT_SEEN = 2
    CROWDED = 3
    LATE = 4
    REFUSED = 5
    FLUSHED = 6
    NO_STROKE = 7


@dataclass(frozen=True, slots=True)
class Event:
    """An order's outcome: `lane` from 1 as ordered, `at` the encoder count."""

    part: int
    outcome: Outcome
    lane: int
    at: int


@dataclass(frozen=True, slots=True, eq=False)
class PlcStatus:
    """A status image. words: (STATUS.words,) uint16. ValueError when it is no such array."""

    words: Words

    def __post_init__(self) -> None:
        if self.words.shape != (STATUS.words,) or self.words.dtype != np.uint16:
            raise ValueError(f"a status is ({STATUS.words},) uint16, got {self.words.shape}")

    def one(self, name: str) -> int:
        """A signal that is a single number."""
        return STATUS.get(self.words, name)[0]

    @property
    def mode(self) -> Mode:
        """ValueError when the PLC sent an unknown number; `problem` checks that beforehand."""
        return Mode(self.one("mode"))

    @property
    def alarms(self) -> Alarm:
        """Why it tripped."""
        return Alarm(self.one("alarms"))

    def triggers_since(self, count: int) -> list[tuple[int, int]]:
        """(part, encoder count) of the triggers after the first `count`, at most RING of them."""
        total, ring = self.one("triggers"), STATUS.get(self.words, "trigger_at")
        return [(n, ring[n % RING]) for n in range(max(count, total - RING), total)]

    def events_since(self, count: int) -> list[Event]:
        """The outcomes after the first `count`, at most RING of them."""
        total = self.one("outcomes")
        names = ("outcome_part", "outcome_code", "outcome_at")
        parts, codes, ats = (STATUS.get(self.words, name) for name in names)
        slots = [n % RING for n in range(max(count, total - RING), total)]
        return [Event(parts[k], Outcome(codes[k] >> 8), codes[k] & 0xFF, ats[k]) for k in slots]


def problem(words: NDArray[Any]) -> str:
    """What a status from a stranger breaks, "" when it may be believed."""
    if words.shape != (STATUS.words,) or words.dtype != np.uint16:
        return f"{words.shape} {words.dtype}, a status is ({STATUS.words},) uint16"
    if STATUS.get(words, "mode")[0] not in set(Mode):
        return f"mode {STATUS.get(words, 'mode')[0]} is not known"
    if STATUS.get(words, "clock_us")[0] >= 1 << 53:
        return "the clock is beyond 285 years"
    count = min(STATUS.get(words, "outcomes")[0], RING)
    codes = STATUS.get(words, "outcome_code")[:count]
    strange = [code for code in codes if code >> 8 not in set(Outcome)]
    return f"outcome {strange[0] >> 8} is not known" if strange else ""
