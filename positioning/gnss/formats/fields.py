"""Fixed-column numbers out of the bytes of a file, compiled: no Python object for any of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats.lanes import bit_count, field_lanes, lowest_bit, newline_lanes
from positioning.jit import borrowing, compiled, inlined

I64 = NDArray[np.int64]
Bytes = NDArray[np.uint8]

BROKEN = np.inf
"""What a field holds that is no number; a blank one holds NaN."""

_TENTHS = 10.0 ** np.arange(20)
_NEWLINE, _RETURN, _BLANK, _POINT, _MINUS, _PLUS, _ZERO = (ord(c) for c in "\n\r .-+0")

_U = np.uint64
_PAIRS, _FOURS, _LOW = _U(0x00FF00FF00FF00FF), _U(0x0000FFFF0000FFFF), _U(0xFFFFFFFF)
_U8, _U10, _U16, _U32, _U100, _U10000 = (_U(n) for n in (8, 10, 16, 32, 100, 10_000))
_WIDTH, _NUMBER, _EIGHT_DIGITS = 16, 14, 100_000_000
_WHOLE, _POINT_BIT, _THOUSANDTHS = 0x3FF, 0x400, 0x3800  # of the columns of F14.3
_LINE = 32


@compiled
def line_starts(buffer: Bytes, begin: int, count: int) -> I64:
    """(count + 1,) where each line begins, from `begin` on; the last is one past the end."""
    starts = np.empty(count + 1, np.int64)
    starts[0] = begin
    line, at = 1, begin
    while at + _LINE <= len(buffer):
        found = newline_lanes(buffer, at)
        while found:
            starts[line] = at + lowest_bit(found) + 1
            found &= found - 1
            line += 1
        at += _LINE
    for i in range(at, len(buffer)):
        if buffer[i] == _NEWLINE:
            starts[line] = i + 1
            line += 1
    starts[count] = len(buffer)
    return starts


@borrowing
def line_count(buffer: Bytes, begin: int) -> int:
    """Lines from `begin` on, the last with or without its newline."""
    count, at = 0, begin
    while at + _LINE <= len(buffer):
        count += bit_count(newline_lanes(buffer, at))
        at += _LINE
    for i in range(at, len(buffer)):
        count += buffer[i] == _NEWLINE
    return count + (len(buffer) > begin and buffer[len(buffer) - 1] != _NEWLINE)


@inlined
def _eight(digits: int) -> Any:
    """The number that eight digits make, the highest in the lowest byte: neighbours are joined to
    pairs, fours and eights (Lemire, 2022)."""
    word = _U(digits)
    word = (word * _U10 + (word >> _U8)) & _PAIRS
    word = (word * _U100 + (word >> _U16)) & _FOURS
    return np.int64((word * _U10000 + (word >> _U32)) & _LOW)


@borrowing
def observed(buffer: Bytes, at: int, stop: int) -> float:
    """The F14.3 number at `at` of a line that ends at `stop`: NaN if blank, BROKEN if none or cut.

    One right-adjusted with three decimals is told at once; whatever is unusual goes by `decimal`.
    """
    if at > stop - _NUMBER or at > len(buffer) - _WIDTH:
        return _unusual(buffer, at, stop)
    high, low, digit, blank, minus, point = field_lanes(buffer, at)
    whole = digit & _WHOLE
    first = whole & -whole
    sign = (first >> 1) & minus
    before = (blank | sign) & _WHOLE
    is_run = whole + first == _POINT_BIT  # from the first digit on to the point
    has_end = digit & _THOUSANDTHS == _THOUSANDTHS and point & _POINT_BIT
    if is_run and has_end and before | whole == _WHOLE:
        value = np.float64(_eight(high) * _EIGHT_DIGITS + _eight(low)) / 1000.0
        return -value if sign else value
    return _unusual(buffer, at, stop)


@borrowing
def _unusual(buffer: Bytes, at: int, stop: int) -> float:
    """As `observed`, of any form."""
    if at >= stop:
        return np.nan
    value = decimal(buffer, at, min(at + _NUMBER, stop))
    return value if at + _NUMBER <= stop or np.isnan(value) else np.inf


@borrowing
def line_stop(buffer: Bytes, starts: I64, line: int) -> int:
    """Where the text of a line ends, without newline or carriage return."""
    stop: int = starts[line + 1]
    while stop > starts[line] and (buffer[stop - 1] == _NEWLINE or buffer[stop - 1] == _RETURN):
        stop -= 1
    return stop


@borrowing
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


@borrowing
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
