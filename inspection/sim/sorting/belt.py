"""Belt and ejectors as mechanics: where each part really lands.

A part is a body of some length at a place on the belt. An ejector is a paddle across the belt that
is out from its response after the coil goes on until its return after the coil goes off, both with
jitter. Out, it sweeps off what it touches: a part whose middle it covers goes into the lane, one
that it merely grazes goes into the lane or stays, at even odds. Nothing here knows of any order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from common.drivers.plc.config import SorterSettings
from common.drivers.plc.plant import Inputs, Outputs
from inspection.sim.sorting.feed import Feed, Part, Parts

END = 0  # the lane of what nobody swept off


@dataclass(frozen=True, slots=True)
class Mechanics:
    """speed_mm_s: of the belt, which wanders by the fraction `wander` and stops or starts with
    `ramp_mm_s2`. paddle_mm: width along the belt. response_s, return_s: of an ejector, each stroke
    with a normal jitter of `jitter_s`. end_mm: the belt's end."""

    speed_mm_s: float = 500.0
    wander: float = 0.01
    ramp_mm_s2: float = 2500.0
    paddle_mm: float = 12.0
    response_s: float = 0.012
    return_s: float = 0.010
    jitter_s: float = 0.0015
    end_mm: float = 600.0


@dataclass(slots=True)
class Paddle:
    """An ejector. out: it is across the belt. due_s: when it next moves, None for not.
    grazed: parts that this stroke has touched already."""

    place_mm: float
    coil: bool = False
    out: bool = False
    due_s: float | None = None
    grazed: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Barrier:
    """A light barrier over intervals of belt travel, given in order of their starts."""

    spans: deque[tuple[float, float]] = field(default_factory=deque)

    def covered(self, travel_mm: float) -> bool:
        """Whether a body is in the light now."""
        while self.spans and self.spans[0][1] <= travel_mm:
            self.spans.popleft()
        return any(start <= travel_mm for start, _ in self.spans)


class SortingBelt:
    """A plant for the simulated PLC. landed: the parts that left the belt, each with its lane."""

    def __init__(
        self,
        settings: SorterSettings,
        feed: Feed = Feed(),  # noqa: B008 - frozen
        mechanics: Mechanics = Mechanics(),
        seed: int = 0,
    ) -> None:
        self.landed: list[Part] = []
        self._settings, self._feed, self._mechanics = settings, feed, mechanics
        self._rng = np.random.default_rng([seed, 23])
        self._coming: Iterator[Part] = iter(Parts(feed, settings.second_mm, seed))
        self._next = next(self._coming)
        self._on_belt: deque[Part] = deque()
        self._camera, self._second = Barrier(), Barrier()
        self._paddles = [Paddle(place) for place in settings.lanes_mm]
        self._travel_mm = self._speed_mm_s = self._now_s = 0.0

    def step(self, dt_s: float, outputs: Outputs) -> Inputs:
        """See `Plant`."""
        self._now_s += dt_s
        self._move(dt_s, outputs.belt)
        self._feed_parts()
        for paddle, coil in zip(self._paddles, outputs.coils, strict=True):
            self._drive(paddle, coil)
        if any(paddle.out for paddle in self._paddles):
            self._sweep()
        self._leave()
        return Inputs(
            encoder=int(self._travel_mm / self._settings.count_mm),
            camera=self._camera.covered(self._travel_mm),
            second=self._second.covered(self._travel_mm),
            strokes=tuple(paddle.out for paddle in self._paddles),
        )

    def _move(self, dt_s: float, driven: bool) -> None:
        mechanics = self._mechanics
        goal, most = mechanics.speed_mm_s * driven, mechanics.ramp_mm_s2 * dt_s
        self._speed_mm_s += min(max(goal - self._speed_mm_s, -most), most)
        factor = 1.0 + mechanics.wander * np.sin(7.0 * self._now_s)
        self._travel_mm += self._speed_mm_s * dt_s * factor

    def _feed_parts(self) -> None:
        while self._next.head_mm <= self._travel_mm + self._feed.part_mm:
            part, self._next = self._next, next(self._coming)
            self._on_belt.append(part)
            self._camera.spans.extend(part.camera)
            self._second.spans.extend(part.second)

    @property
    def at_camera(self) -> int:
        """Number of the part whose head last came to the camera: what a picture shows now."""
        here = [part.number for part in self._on_belt if part.head_mm <= self._travel_mm]
        return here[-1]

    def _drive(self, paddle: Paddle, coil: bool) -> None:
        mechanics = self._mechanics
        if coil != paddle.coil:
            paddle.coil = coil
            takes_s = mechanics.response_s if coil else mechanics.return_s
            jitter_s = float(self._rng.normal(0.0, mechanics.jitter_s))
            paddle.due_s = self._now_s + max(takes_s + jitter_s, 0.0)
        if paddle.due_s is not None and self._now_s >= paddle.due_s:
            paddle.out, paddle.due_s = paddle.coil, None
            paddle.grazed.clear()

    def _sweep(self) -> None:
        half = self._mechanics.paddle_mm / 2
        for lane, paddle in enumerate(self._paddles, start=1):
            for part in [p for p in self._on_belt if paddle.out and self._touched(p, paddle)]:
                middle = self._head_mm(part) - self._feed.part_mm / 2
                grazed = part.number in paddle.grazed
                paddle.grazed.add(part.number)
                if abs(middle - paddle.place_mm) <= half or (
                    not grazed and self._rng.random() < 0.5
                ):
                    self._land(part, lane)

    def _touched(self, part: Part, paddle: Paddle) -> bool:
        head, reach = self._head_mm(part), self._mechanics.paddle_mm / 2
        behind = head > paddle.place_mm - reach
        ahead = head - self._feed.part_mm < paddle.place_mm + reach
        return behind and ahead and not part.fallen

    def _head_mm(self, part: Part) -> float:
        """Of a part beyond the second barrier, from the camera's."""
        return self._travel_mm - part.head_mm - part.lag_mm

    def _leave(self) -> None:
        while self._on_belt and self._head_mm(self._on_belt[0]) > self._mechanics.end_mm:
            self._land(self._on_belt[0], END)

    def _land(self, part: Part, lane: int) -> None:
        self._on_belt.remove(part)
        part.lane = lane
        self.landed.append(part)
