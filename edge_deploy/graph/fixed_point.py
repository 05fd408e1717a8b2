"""Integer forms of a rescaling, proven equal to the float32 one on all accumulators that occur.

The float32 rescaling is monotone: conversion, product with a positive scale, rounding and clamp
each are. So is floor((a M + R) / 2^s) for M > 0. Two such steps are equal on a range if and only
if they pass every output value at the same accumulator: 255 thresholds a channel decide about all
accumulators, and the pairs (M, R) that keep them are the whole points of a polygon. Whether it has
one is decided exactly, so that "no pair exists" is proven as well.

Where none exists, float32 has rounded a product just below a tie onto it. The few accumulators
where that happens are listed as exceptions, at which the integer form adds 1. A scale that is a
short fraction (a power of two) has ties everywhere instead: its own mantissa with ties to even is
exact. Where neither holds, the float32 product itself is made in integers, rounded to 24 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_deploy.graph.ir import Rescale
from edge_deploy.graph.ranges import Range
from edge_deploy.graph.rounding import rescaled

Steps = NDArray[np.int64]
Form = Literal["half-up", "half-even", "float32"]
MANTISSA_BITS = 24
MULTIPLIER_BITS = 31  # a signed 32 x 32 multiply-accumulate
SUM_BITS = 62
MOST_EXCEPTIONS = 8  # a channel; beyond, comparing costs more than rounding as float32 does


@dataclass(frozen=True, slots=True, eq=False)
class FixedPoint:
    """clamp(round((a * multiplier + offset) / 2^shift), 0, 255), a: accumulator with its bias.

    form: half-up: offset holds one half and the zero point, rounding is a floor, and the shift is
        one for the layer; 1 is added where a is among the channel's exceptions.
        half-even: ties to even, then the zero point. float32: the accumulator and the product are
        first rounded to 24 significant bits as float32 does. In these two offset is 0.
    multiplier, offset, shifts: (O,) int64. exceptions: (O, E) int64, NO_EXCEPTION where fewer.
    """

    form: Form
    multiplier: NDArray[np.int64]
    offset: NDArray[np.int64]
    shifts: NDArray[np.int64]
    exceptions: NDArray[np.int64]
    zero_point: int

    @property
    def exceptional(self) -> dict[int, tuple[int, ...]]:
        """Accumulators by channel where no fixed-point pair alone gives what float32 gives."""
        rows = ((at, row[row != NO_EXCEPTION]) for at, row in enumerate(self.exceptions))
        return {at: tuple(map(int, row)) for at, row in rows if len(row)}

    def channel(self, at: int) -> FixedPoint:
        """The form of one channel alone."""
        one = slice(at, at + 1)
        return FixedPoint(
            self.form,
            self.multiplier[one],
            self.offset[one],
            self.shifts[one],
            self.exceptions[one],
            self.zero_point,
        )


NO_EXCEPTION = -(1 << 40)  # outside int32, so that no accumulator equals it


@dataclass(frozen=True, slots=True)
class Pair:
    """One channel's multiplier and offset, and the accumulators where they need 1 more."""

    multiplier: int
    offset: int
    exceptions: tuple[int, ...] = ()


def apply(fixed: FixedPoint, accumulator: NDArray[np.int64]) -> NDArray[np.int64]:
    """Accumulators (O, ...) to uint8 values, as int64."""
    shape = (-1,) + (1,) * (accumulator.ndim - 1)
    multiplier, offset = fixed.multiplier.reshape(shape), fixed.offset.reshape(shape)
    shift = fixed.shifts.reshape(shape)
    if fixed.form == "half-up":
        value = (accumulator * multiplier + offset) >> shift
        for column in fixed.exceptions.T:
            value += accumulator == column.reshape(shape)
    else:
        exact = fixed.form == "half-even"
        product = (accumulator if exact else to_float32(accumulator)) * multiplier
        value = half_even(product if exact else to_float32(product), shift) + fixed.zero_point
    clamped: NDArray[np.int64] = np.clip(value, 0, 255)
    return clamped


def to_float32(value: NDArray[np.int64]) -> NDArray[np.int64]:
    """Integers rounded to 24 significant bits, ties to even, as conversion to float32 does."""
    magnitude = np.abs(value)
    _, bits = np.frexp(magnitude.astype(np.longdouble))
    drop = np.maximum(bits.astype(np.int64) - MANTISSA_BITS, 0)
    kept: NDArray[np.int64] = np.sign(value) * (half_even(magnitude, drop) << drop)
    return kept


def half_even(value: NDArray[np.int64], shift: NDArray[np.int64]) -> NDArray[np.int64]:
    """value / 2^shift to the nearest integer, ties to even. shift >= 0, of `value`'s shape."""
    shift = np.broadcast_to(shift, value.shape)
    last = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    return (value + np.where(shift > 0, last - 1 + ((value >> shift) & 1), 0)) >> shift


def thresholds(rescale: Rescale, span: Range) -> NDArray[np.int64]:
    """(O, 255): the least accumulator that gives 1, 2, ..., 255, by bisection.

    span.high + 1 where a value is never reached, span.low where it always is.
    """
    return _bisect(span, lambda accumulator: rescaled(accumulator, rescale))


def steps_of(fixed: FixedPoint, span: Range) -> NDArray[np.int64]:
    """`thresholds` of an integer form."""
    return _bisect(span, lambda accumulator: apply(fixed, accumulator))


def _bisect(span: Range, function: Callable[[Steps], NDArray[Any]]) -> Steps:
    wanted = np.arange(1, 256)
    under = np.repeat(span.low[:, None] - 1, len(wanted), 1)
    over = np.repeat(span.high[:, None] + 1, len(wanted), 1)
    while np.any(inside := over - under > 1):
        middle = (under + over) >> 1
        reached = function(middle) >= wanted
        over = np.where(inside & reached, middle, over)
        under = np.where(inside & ~reached, middle, under)
    return over


def fit(rescale: Rescale, span: Range, bits: int = MULTIPLIER_BITS) -> FixedPoint:
    """The simplest form that is proven on `span`, with multipliers of at most `bits` bits."""
    steps = thresholds(rescale, span)
    shift = largest_shift(rescale, span, bits)
    pairs = [
        channel_pair(row, (int(low), int(high)), shift, float(scale))
        for row, low, high, scale in zip(
            steps, span.low, span.high, _each(rescale, len(steps)), strict=True
        )
    ]
    half_up = _half_up(pairs, shift, rescale)
    if half_up.exceptions.shape[1] <= MOST_EXCEPTIONS and _keeps(half_up, span, steps):
        return half_up
    even = _exact_mantissa("half-even", rescale, len(steps))
    if _keeps(even, span, steps):
        return even
    return _exact_mantissa("float32", rescale, len(steps))


def _keeps(fixed: FixedPoint, span: Range, steps: Steps) -> bool:
    """The proof: both are monotone, so equal thresholds are equal values everywhere."""
    return np.array_equal(steps_of(fixed, span), steps)


def largest_shift(rescale: Rescale, span: Range, bits: int) -> int:
    """Multipliers as long as they may be, with a sum that fits 63 bits."""
    greatest = float(rescale.scale.max())
    by_multiplier = bits - 1 - int(np.floor(np.log2(greatest)))
    reach = max(int(-span.low.min()), int(span.high.max()), 1)
    by_sum = SUM_BITS - 1 - int(np.ceil(np.log2(reach * greatest + 512)))
    return min(by_multiplier, by_sum, SUM_BITS - 10)


def channel_pair(row: NDArray[np.int64], span: tuple[int, int], shift: int, scale: float) -> Pair:
    """The pair that keeps one channel's thresholds, with the multiplier nearest the scale.

    With k the value that starts at T: T M + R >= k 2^s where T is reached, and
    (T - 1) M + R < k 2^s where T - 1 occurs. An R exists where each lower bound is below each
    upper one, which bounds M from both sides. Without such an M the second kind is kept, and
    where the first fails are the exceptions.
    """
    value = np.arange(1, 256) << shift
    reached, entered = row <= span[1], row > span[0]
    lower, upper = (row[reached], value[reached]), (row[entered] - 1, value[entered])
    ends = _multiplier_ends(lower, upper)
    near = max(round(scale * 2.0**shift), 1)
    multiplier = near if ends is None else min(max(near, ends[0]), ends[1])
    least = int((lower[1] - lower[0] * multiplier).max(initial=-(1 << SUM_BITS)))
    most = int((upper[1] - upper[0] * multiplier).min(initial=1 << SUM_BITS)) - 1
    if least <= most:
        return Pair(multiplier, _between(least, most, 1 << (shift - 1)))
    return Pair(multiplier, most, _missed(lower, multiplier, most, shift))


def _missed(
    lower: tuple[NDArray[np.int64], NDArray[np.int64]], multiplier: int, offset: int, shift: int
) -> tuple[int, ...]:
    """Accumulators from each threshold on until the pair reaches its value too."""
    missed: list[int] = []
    for start, value in zip(*(ends.tolist() for ends in lower), strict=True):
        first = -((offset - value) // multiplier)
        missed += range(start, min(first, start + MOST_EXCEPTIONS + 1))
    return tuple(missed)


def _half_up(pairs: list[Pair], shift: int, rescale: Rescale) -> FixedPoint:
    width = max(len(pair.exceptions) for pair in pairs)
    exceptions = np.full((len(pairs), width), NO_EXCEPTION)
    for at, pair in enumerate(pairs):
        exceptions[at, : len(pair.exceptions)] = pair.exceptions
    return FixedPoint(
        "half-up",
        np.array([pair.multiplier for pair in pairs]),
        np.array([pair.offset for pair in pairs]),
        np.full(len(pairs), shift),
        exceptions,
        rescale.zero_point,
    )


def _each(rescale: Rescale, channels: int) -> NDArray[np.float32]:
    return np.broadcast_to(rescale.scale, channels)


def _multiplier_ends(
    lower: tuple[NDArray[np.int64], NDArray[np.int64]],
    upper: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[int, int] | None:
    """Ends of the whole M >= 1 with (T' - T) M <= V' - V - 1 for each lower and upper bound."""
    run = upper[0][None, :] - lower[0][:, None]
    rise = upper[1][None, :] - lower[1][:, None] - 1
    if np.any((run == 0) & (rise < 0)):
        return None
    up, down = run > 0, run < 0
    most = int((rise[up] // run[up]).min(initial=1 << 40))
    least = int((-(rise[down] // -run[down])).max(initial=1))
    return (least, most) if least <= most else None


def _between(lower: int, upper: int, free: int) -> int:
    """The middle of an interval; near `free` where an end is open, as with constant channels."""
    if lower == -(1 << SUM_BITS):
        return min(upper, free)
    if upper == (1 << SUM_BITS) - 1:
        return max(lower, free)
    return (lower + upper) // 2


def _exact_mantissa(form: Form, rescale: Rescale, channels: int) -> FixedPoint:
    """Every scale as its 24-bit mantissa and a shift, without error."""
    fraction, exponent = np.frexp(np.broadcast_to(rescale.scale, channels).astype(np.float64))
    return FixedPoint(
        form,
        (fraction * 2.0**MANTISSA_BITS).astype(np.int64),
        np.zeros(channels, np.int64),
        (MANTISSA_BITS - exponent).astype(np.int64),
        np.empty((channels, 0), np.int64),
        rescale.zero_point,
    )
