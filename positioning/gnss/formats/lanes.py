"""Sixteen or thirty-two bytes of a buffer at a time, as the vectors that processors have.

numpy has no view of bytes at any address and numba no vectors, so that these few are written in
LLVM's own terms, which it turns into the instructions of the machine at hand.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

_BYTE, _WORD = ir.IntType(8), ir.IntType(64)
_WIDTH = 16  # of an observation: F14.3 and two flags
_DIGITS = [_WIDTH] * 3 + [*range(10), 11, 12, 13]  # without the point, noughts before them
_LINE = 32


def _loaded(context: Any, builder: Any, signature: Any, given: Any, count: int) -> Any:
    """`count` bytes of an array from an index on, that need not be aligned."""
    array = context.make_array(signature.args[0])(context, builder, given[0])
    pointer = builder.gep(array.data, [given[1]])
    kind = ir.VectorType(_BYTE, count)
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=1)


def _all(count: int, value: int) -> Any:
    return ir.Constant(ir.VectorType(_BYTE, count), [value] * count)


def _mask(builder: Any, flags: Any, count: int) -> Any:
    """One bit a lane, the first the lowest."""
    return builder.zext(builder.bitcast(flags, ir.IntType(count)), _WORD)


@intrinsic  # type: ignore[untyped-decorator]
def field_lanes(typing: Any, buffer: Any, at: Any) -> Any:
    """Of the 16 bytes from `at` on, taken for F14.3 and two flags: values of the ten digits before
    the point and the three behind it, in two words of eight, the first the lowest byte and the
    highest digit, 0 where no digit is; masks of what is a digit, a blank, a minus and a point."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        text = _loaded(context, builder, signature, given, _WIDTH)
        value = builder.sub(text, _all(_WIDTH, ord("0")))
        is_digit = builder.icmp_unsigned("<", value, _all(_WIDTH, 10))
        none = _all(_WIDTH, 0)
        order = ir.Constant(ir.VectorType(ir.IntType(32), _WIDTH), _DIGITS)
        digits = builder.shuffle_vector(builder.select(is_digit, value, none), none, order)
        words = builder.bitcast(digits, ir.VectorType(_WORD, 2))
        found = [builder.extract_element(words, ir.IntType(32)(half)) for half in (0, 1)]
        found.append(_mask(builder, is_digit, _WIDTH))
        for sign in " -.":
            same = builder.icmp_unsigned("==", text, _all(_WIDTH, ord(sign)))
            found.append(_mask(builder, same, _WIDTH))
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(types.int64, 6)(buffer, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def newline_lanes(typing: Any, buffer: Any, at: Any) -> Any:
    """A bit for each of the 32 bytes from `at` on that is a newline."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        text = _loaded(context, builder, signature, given, _LINE)
        same = builder.icmp_unsigned("==", text, _all(_LINE, ord("\n")))
        return _mask(builder, same, _LINE)

    return types.int64(buffer, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def lowest_bit(typing: Any, mask: Any) -> Any:
    """The index of the lowest set bit of a mask that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.cttz(given[0], ir.IntType(1)(1))

    return types.int64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def bit_count(typing: Any, mask: Any) -> Any:
    """How many bits are set."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ctpop(given[0])

    return types.int64(types.int64), generate
