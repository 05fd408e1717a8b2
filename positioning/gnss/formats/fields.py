"""Fixed-column numbers out of the bytes of a file, compiled: no Python object for any of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from positioning.jit import compiled, inlined

I64 = NDArray[np.int64]
Bytes = NDArray[np.uint8]

BROKEN = np.inf
"""What a field holds that is no number; a blank one holds NaN."""

_TENTHS = 10.0 ** np.arange(20)
_NEWLINE, _RETURN, _BLANK, _POINT, _MINUS, _PLUS, _ZERO = (ord(c) for c in "\n\r .-+0")

# Eight characters at a time, as one word; the first is the lowest byte.
_U = np.uint64
_ONES, _TOPS, _LOWS = _U(0x0101010101010101), _U(0x8080808080808080), _U(0x0F0F0F0F0F0F0F0F)
_NEWLINES, _BLANKS = _U(0x0A0A0A0A0A0A0A0A), _U(0x2020202020202020)
_HIGHS, _SIXES, _THREES = _U(0xF0F0F0F0F0F0F0F0), _U(0x0606060606060606), _U(0x3030303030303030)
_PAIRS, _FOURS = _U(0x00FF00FF00FF00FF), _U(0x0000FFFF0000FFFF)
_BYTE, _FIFTEEN, _FULL = _U(0xFF), _U(0x0F), _U(0xFFFFFFFFFFFFFFFF)
_INTEGER_TAIL, _DECIMALS, _BLANK3 = _U(0xFFFF0000), _U(0xFFFFFF0000000000), _U(0x202020)
_U1, _U4, _U8, _U10, _U16, _U32, _U40 = (_U(n) for n in (1, 4, 8, 10, 16, 32, 40))
_U100, _U10000, _POINT_WORD, _NO_NUMBER = _U(100), _U(10_000), _U(ord(".")), _FULL
_MINUSES, _MINUS_TO_BLANK = _U(0x2D2D2D2D2D2D2D2D), _U(0x0D)
_FIRST_DIGIT = _U(0x10000000)
_MANTISSA_TAIL = 100_000


@intrinsic  # type: ignore[untyped-decorator]
def _word(typing: Any, buffer: Any, at: Any) -> Any:
    """Eight bytes of a buffer from `at` on, wherever that is: there is no such view in numpy."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, given[0])
        pointer = builder.gep(array.data, [given[1]])
        word = context.get_value_type(types.uint64).as_pointer()
        return builder.load(builder.bitcast(pointer, word), align=1)

    return types.uint64(buffer, types.int64), generate


@compiled
def line_starts(buffer: Bytes, begin: int, count: int) -> I64:
    """(count + 1,) where each line begins, from `begin` on; the last is one past the end."""
    starts = np.empty(count + 1, np.int64)
    starts[0] = begin
    line, at = 1, begin
    while at + 8 <= len(buffer):
        word = _word(buffer, at) ^ _NEWLINES
        if (word - _ONES) & ~word & _TOPS:
            for i in range(at, at + 8):
                if buffer[i] == _NEWLINE:
                    starts[line] = i + 1
                    line += 1
        at += 8
    for i in range(at, len(buffer)):
        if buffer[i] == _NEWLINE:
            starts[line] = i + 1
            line += 1
    starts[count] = len(buffer)
    return starts


@compiled
def line_count(buffer: Bytes, begin: int) -> int:
    """Lines from `begin` on, the last with or without its newline."""
    count, at = 0, begin
    while at + 8 <= len(buffer):
        word = _word(buffer, at) ^ _NEWLINES
        if (word - _ONES) & ~word & _TOPS:
            for i in range(at, at + 8):
                count += buffer[i] == _NEWLINE
        at += 8
    for i in range(at, len(buffer)):
        count += buffer[i] == _NEWLINE
    return count + (len(buffer) > begin and buffer[len(buffer) - 1] != _NEWLINE)


@inlined
def _digits(word: Any) -> Any:
    """Eight characters, blanks and then digits, as a number; _NO_NUMBER if they are not."""
    digit = (word >> _U4) & _ONES
    mask = digit * _BYTE
    low = word & _LOWS
    clean = ((word & _HIGHS) | _U16 * _ONES) == _THREES and ((low + _SIXES) & _HIGHS) == _U(0)
    if not clean or (low & ~mask) != _U(0) or (mask | (mask << _U8)) != mask:
        return _NO_NUMBER
    low = (low * _U10 + (low >> _U8)) & _PAIRS
    low = (low * _U100 + (low >> _U16)) & _FOURS
    return (low * _U10000 + (low >> _U32)) & _U(0xFFFFFFFF)


@compiled
def _without_minus(word: Any) -> Any:
    """The word with its last minus made blank, if what is before it is blank."""
    zero_at_minus = word ^ _MINUSES
    found = (zero_at_minus - _ONES) & ~zero_at_minus & _TOPS
    if found == _U(0):
        return word
    one = (found & (~found + _U1)) >> _U(7)
    before = one - _U1
    return word ^ (one * _MINUS_TO_BLANK) if (word ^ _BLANKS) & before == _U(0) else word


@inlined
def _joined(head: Any, rest: Any) -> float:
    """Thousandths of a positive number from its two words; -1 if they are none."""
    whole, ending = _digits(head), _digits(rest)
    full = (rest & (_DECIMALS & _THREES)) == (_DECIMALS & _THREES)
    joined = head == _BLANKS or (rest & _FIRST_DIGIT) != _U(0)
    if whole == _NO_NUMBER or ending == _NO_NUMBER or not full or not joined:
        return -1.0
    return np.float64(np.int64(whole) * _MANTISSA_TAIL + np.int64(ending)) / 1000.0


@compiled
def observed(buffer: Bytes, at: int, stop: int) -> float:
    """The F14.3 number at `at` of a line that ends at `stop`: NaN if blank, BROKEN if none or cut.

    Positive numbers go by two words; whatever is unusual goes by `decimal`.
    """
    if at >= stop:
        return np.nan
    if at + 14 > stop:
        value = decimal(buffer, at, stop)
        return value if np.isnan(value) else np.inf
    head, tail = _word(buffer, at), _word(buffer, at + 6)
    if head == _BLANKS and tail == _BLANKS:
        return np.nan
    if (tail >> _U32) & _BYTE == _POINT_WORD:
        rest = (tail & _DECIMALS) | ((tail & _INTEGER_TAIL) << _U8) | _BLANK3
        value = _joined(head, rest)
        if value >= 0.0:
            return value
        bare, rest_bare = _without_minus(head), _without_minus(rest)
        if (bare != head) != (rest_bare != rest):
            value = _joined(bare, rest_bare)
            if value >= 0.0:
                return -value
    return decimal(buffer, at, at + 14)


@compiled
def line_stop(buffer: Bytes, starts: I64, line: int) -> int:
    """Where the text of a line ends, without newline or carriage return."""
    stop: int = starts[line + 1]
    while stop > starts[line] and (buffer[stop - 1] == _NEWLINE or buffer[stop - 1] == _RETURN):
        stop -= 1
    return stop


@compiled
def decimal(buffer: Bytes, start: int, stop: int) -> float:
    """The decimal number right- or left-adjusted in [start, stop): NaN if blank, BROKEN if none."""
    i = start
    while i < stop and buffer[i] == _BLANK:
        i += 1
    if i >= stop:
        return np.nan
    negative = buffer[i] == _MINUS
    if negative or buffer[i] == _PLUS:
        i += 1
    mantissa, digits, point = np.int64(0), 0, -1
    while i < stop:
        digit = np.int64(buffer[i]) - _ZERO
        if 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
            digits += 1
        elif buffer[i] == _POINT and point < 0:
            point = digits
        else:
            break
        i += 1
    while i < stop and buffer[i] == _BLANK:
        i += 1
    if i < stop or digits == 0 or digits > 18:
        return np.inf
    value = np.float64(mantissa)
    if point >= 0:
        value /= _TENTHS[digits - point]
    return -value if negative else value


@compiled
def integer(buffer: Bytes, start: int, stop: int) -> int:
    """The whole number, not negative, in [start, stop); -1 if there is none."""
    value, seen, ended = 0, False, False
    for i in range(start, stop):
        digit: Any = np.int64(buffer[i]) - _ZERO
        if 0 <= digit <= 9 and not ended:
            value, seen = value * 10 + digit, True
        elif buffer[i] == _BLANK:
            ended = seen
        else:
            return -1
    return value if seen else -1
