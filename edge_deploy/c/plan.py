"""Where each activation lies in one static arena.

A buffer lives from the operator that writes it to the last one that reads it. Buffers whose lives
meet must not overlap; the largest are placed first, each in the lowest gap that holds it
(greedy by size, Pisarchyk and Lee 2020). No plan can be smaller than the most bytes that live at
one moment: `Plan.bound`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 4


@dataclass(frozen=True, slots=True)
class Buffer:
    """`size` bytes needed from step `first` to step `last`, both included."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """Whether both are needed at one step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Plan:
    """offsets by name, in bytes; size of the arena; bound: no plan can be smaller."""

    buffers: tuple[Buffer, ...]
    offsets: dict[str, int]
    size: int
    bound: int


def plan(buffers: Sequence[Buffer]) -> Plan:
    """Place every buffer; several orders are tried and the smallest arena is kept."""
    keys = (
        lambda buffer: (-buffer.size, buffer.first),
        lambda buffer: (buffer.first, -buffer.size),
        lambda buffer: (-(buffer.last - buffer.first), -buffer.size),
    )
    bound = lower_bound(buffers)
    plans = [_place(sorted(buffers, key=key)) for key in keys]
    offsets, size = min(plans, key=lambda made: made[1])
    return Plan(tuple(buffers), offsets, size, bound)


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """The most bytes alive at one step."""
    steps = {buffer.first for buffer in buffers}
    return max(
        (sum(_aligned(b.size) for b in buffers if b.first <= step <= b.last) for step in steps),
        default=0,
    )


def _place(ordered: Sequence[Buffer]) -> tuple[dict[str, int], int]:
    offsets: dict[str, int] = {}
    placed: list[Buffer] = []
    for buffer in ordered:
        taken = sorted(
            (offsets[other.name], _aligned(other.size)) for other in placed if other.meets(buffer)
        )
        at = 0
        for start, size in taken:
            if start - at >= _aligned(buffer.size):
                break
            at = max(at, start + size)
        offsets[buffer.name] = at
        placed.append(buffer)
    return offsets, max((offsets[b.name] + _aligned(b.size) for b in placed), default=0)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
