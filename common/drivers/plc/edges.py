"""What a light barrier saw, and whether a part stood alone there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

KEPT = 64


@dataclass(slots=True)
class Body:
    """Something that covered the barrier: encoder counts of its head and, once past, its tail."""

    head: int
    tail: int | None = None


class Barrier:
    """Bodies behind a light barrier. Edges closer than `shortest` counts are one body's chatter."""

    def __init__(self, shortest: int) -> None:
        self._shortest = shortest
        self._covered = False
        self._bodies: deque[Body] = deque(maxlen=KEPT)

    def step(self, covered: bool, encoder: int) -> bool:
        """Read the barrier; True on a rising edge, chatter or not."""
        was, self._covered = self._covered, covered
        if covered == was:
            return False
        if covered:
            if not self._bodies or encoder - self._bodies[-1].head >= self._shortest:
                self._bodies.append(Body(encoder))
            self._bodies[-1].tail = None
        elif self._bodies:
            self._bodies[-1].tail = encoder
        return covered

    def clear(self) -> None:
        """Forget what passed."""
        self._bodies.clear()

    def near(self, at: int, reach: int) -> list[Body]:
        """Bodies whose head lies within `reach` counts of `at`."""
        return [body for body in self._bodies if abs(body.head - at) <= reach]
