"""The body of a RINEX observation file into arrays, in one compiled pass over its bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats.fields import I64, Bytes, decimal, integer, line_stop, observed
from positioning.gnss.formats.signals import Columns
from positioning.gnss.satellite import BANDS, SYSTEMS
from positioning.jit import borrowing, inlined

PROBLEMS = (
    "the epoch is no calendar time; its satellites are left out",
    "this is no satellite, nor an epoch",
    "the satellite was already observed at this epoch",
    "a field is no number, or is cut off",
    "the epoch tells of another number of satellites than follow it",
    "no observation types are told for this system",
    "the epoch is not after the one before; it is left out",
    "observation types change inside the file; the lines after are left out",
)
EPOCH, SATELLITE, DOUBLE, FIELD, COUNT, UNTOLD, ORDER, CHANGE = range(len(PROBLEMS))

MOST = 4096
"""Refusals that are told one by one."""

_LETTERS = np.frombuffer(SYSTEMS.encode(), dtype=np.uint8)
_TYPES3 = np.frombuffer(b"SYS / # / OBS TYPES", dtype=np.uint8)
_TYPES2 = np.frombuffer(b"# / TYPES OF OBSERV", dtype=np.uint8)
_AT_ONCE = 512
_WIDTH, _NUMBER = 16, 14
_BLANK, _ZERO, _NINE, _ARROW, _POINT = (ord(c) for c in " 09>.")
_SYSTEM_STEP = 100


class Rows(NamedTuple):
    """What is filled: the fields of Observations with room for all that may come, those of a band
    flat; pending (_AT_ONCE, 2): satellites of the epoch at hand with their lines, rising."""

    week: NDArray[np.int32]
    tow_s: NDArray[np.float64]
    first: NDArray[np.int64]
    satellite: NDArray[np.int16]
    code_m: NDArray[np.float64]
    phase_cycles: NDArray[np.float64]
    doppler_hz: NDArray[np.float32]
    cn0_dbhz: NDArray[np.float32]
    slip: NDArray[np.bool_]
    half_cycle: NDArray[np.bool_]
    signal: NDArray[np.uint8]
    frequency_hz: NDArray[np.float64]
    pending: I64


class Problems(NamedTuple):
    """line, what: (MOST,) int64; total: (1,) int64, of all, also those without room."""

    line: NDArray[np.int64]
    what: NDArray[np.int64]
    total: NDArray[np.int64]


def room(epochs: int, rows: int) -> Rows:
    """Rows with space; what is not filled is never touched and costs no memory."""
    band = rows * BANDS
    return Rows(
        np.empty(epochs, np.int32), np.empty(epochs), np.zeros(epochs + 1, np.int64),
        np.empty(rows, np.int16), np.empty(band), np.empty(band),
        np.empty(band, np.float32), np.empty(band, np.float32),
        np.empty(band, np.bool_), np.empty(band, np.bool_),
        np.empty(2 * band, np.uint8), np.empty(band),
        np.empty((_AT_ONCE, 2), np.int64),
    )  # fmt: skip


def no_problems() -> Problems:
    """An empty list of them."""
    return Problems(np.zeros(MOST, np.int64), np.zeros(MOST, np.int64), np.zeros(1, np.int64))


@borrowing
def read3(
    buffer: Bytes, starts: I64, table: Columns, ahead_s: float, rows: Rows, problems: Problems
) -> tuple[int, int]:
    """RINEX 3 and 4: a satellite a line under `>` lines. Returns epochs and rows filled."""
    lines = len(starts) - 1
    epoch, row, line = 0, 0, 0
    while line < lines:
        at, stop = starts[line], line_stop(buffer, starts, line)
        if stop > at and buffer[at] != _ARROW:
            _refuse(problems, line, SATELLITE)
        if stop <= at or buffer[at] != _ARROW:
            line += 1
            continue
        head = line
        flag = integer(buffer, min(at + 31, stop), min(at + 32, stop))
        told = integer(buffer, min(at + 32, stop), min(at + 35, stop))
        line += 1
        if 2 <= flag <= 6 and told >= 0:
            line = _past_event(buffer, starts, line, min(line + told, lines), problems)
            continue
        good = _time(buffer, at + 2, stop, 4, 1, ahead_s, rows, epoch)
        if not good or flag < 0:
            _refuse(problems, head, EPOCH)
            good = False
        elif _is_late(rows, epoch):
            _refuse(problems, head, ORDER)
            good = False
        begin = line
        while line < lines and buffer[starts[line]] != _ARROW:
            line += 1
        if not good:
            continue
        found = _listed3(buffer, starts, begin, line, rows.pending, problems)
        if line - begin != told:
            _refuse(problems, head, COUNT)
        row = _fill(buffer, starts, table, found, 0, flag == 1, rows, row, problems)
        epoch += 1
        rows.first[epoch] = row
    return epoch, row


@borrowing
def read2(
    buffer: Bytes,
    starts: I64,
    table: Columns,
    ahead_s: float,
    rows: Rows,
    problems: Problems,
    kinds: int,
    alone: int,
) -> tuple[int, int]:
    """RINEX 2: satellites listed in the epoch's lines. kinds: observations a satellite; alone:
    the letter for satellites without one. Returns epochs and rows filled."""
    lines = len(starts) - 1
    deep = (kinds + 4) // 5
    epoch, row, line = 0, 0, 0
    lost = False
    while line < lines:
        at, stop = starts[line], line_stop(buffer, starts, line)
        flag = integer(buffer, min(at + 28, stop), min(at + 29, stop))
        told = integer(buffer, min(at + 29, stop), min(at + 32, stop))
        if 2 <= flag <= 6 and told >= 0 and _is_blank(buffer, at + 29 - 3, at + 28):
            line = _past_event(buffer, starts, line + 1, min(line + 1 + told, lines), problems)
            continue
        if not _is_epoch2(buffer, at, stop) or told <= 0:
            if stop > at and not lost:
                _refuse(problems, line, EPOCH)
            lost = lost or stop > at
            line += 1
            continue
        head, lost = line, False
        body = line + (told + 11) // 12
        good = _time(buffer, at + 1, stop, 2, 1, ahead_s, rows, epoch)
        late = good and _is_late(rows, epoch)
        if not good or late or told > _AT_ONCE:
            _refuse(problems, head, ORDER if late else EPOCH)
            line, lost = line + 1, True
            continue
        end = body + told * deep
        for other in range(body, min(end, lines)):
            if _is_epoch2(buffer, starts[other], starts[other + 1]):
                end = other
                break
        if end != body + told * deep or end > lines:
            _refuse(problems, head, COUNT)
        end = min(end, lines)
        whole = max(0, min(told, (end - body) // deep))
        found = _listed2(buffer, starts, head, body, deep, whole, alone, rows.pending, problems)
        row = _fill(buffer, starts, table, found, deep, flag == 1, rows, row, problems)
        epoch += 1
        rows.first[epoch] = row
        line = max(end, head + 1)
    return epoch, row


@borrowing
def _refuse(problems: Problems, line: int, what: int) -> None:
    count = problems.total[0]
    if count < MOST:
        problems.line[count] = line
        problems.what[count] = what
    problems.total[0] = count + 1


@borrowing
def _past_event(buffer: Bytes, starts: I64, line: int, end: int, problems: Problems) -> int:
    """The line after the special records of an event; the last line if types change there."""
    for inner in range(line, end):
        at, stop = starts[inner], line_stop(buffer, starts, inner)
        changes = _is_label(buffer, at + 60, _TYPES3) or _is_label(buffer, at + 60, _TYPES2)
        if stop - at >= 79 and changes:
            _refuse(problems, inner, CHANGE)
            return len(starts) - 1
    return end


@borrowing
def _is_label(buffer: Bytes, at: int, label: Bytes) -> bool:
    if at + len(label) > len(buffer):
        return False
    same = True
    for i in range(len(label)):
        same &= buffer[at + i] == label[i]
    return same


@borrowing
def _is_blank(buffer: Bytes, start: int, stop: int) -> bool:
    blank = True
    for i in range(start, min(stop, len(buffer))):
        blank &= buffer[i] == _BLANK
    return blank


@borrowing
def _is_epoch2(buffer: Bytes, at: int, stop: int) -> bool:
    """Whether a line reads like ` 16  6  6 11 10 41.7000000  0 19G12...`."""
    if stop - at < 35 or buffer[at] != _BLANK or buffer[at + 18] != _POINT:
        return False
    flag = buffer[at + 28]
    digit = buffer[at + 34]
    return (
        _is_blank(buffer, at + 26, at + 28)
        and _ZERO <= flag <= _ZERO + 1
        and integer(buffer, at + 29, at + 32) >= 0
        and _ZERO <= digit <= _NINE
        and integer(buffer, at + 1, at + 3) >= 0
    )


@borrowing
def _time(
    buffer: Bytes, at: int, stop: int, wide: int, gap: int, ahead_s: float, rows: Rows, epoch: int
) -> bool:
    """Set week and second of an epoch from `yyyy mm dd hh mm ss.sssssss`; whether it is a time."""
    if stop < at + wide + 4 * (2 + gap) + 11:
        return False
    year = integer(buffer, at, at + wide)
    at += wide
    month = integer(buffer, at + 1, at + 3)
    day = integer(buffer, at + 4, at + 6)
    hour = integer(buffer, at + 7, at + 9)
    minute = integer(buffer, at + 10, at + 12)
    second = decimal(buffer, at + 12, at + 23)
    if not (1 <= month <= 12 and 1 <= day <= 31 and 0 <= hour < 24 and 0 <= minute < 60):
        return False
    if not 0 <= second < 61 or year < 0:
        return False
    if wide == 2:
        year += 1900 if year >= 80 else 2000
    days = _days(year, month, day)
    if days < 0 or (day > 28 and _days(year + month // 12, month % 12 + 1, 1) <= days):
        return False
    tow = (days % 7) * 86_400.0 + hour * 3600.0 + minute * 60.0 + second + ahead_s
    weeks = np.floor(tow / 604_800.0)
    rows.week[epoch] = days // 7 + int(weeks)
    rows.tow_s[epoch] = tow - weeks * 604_800.0
    return True


@borrowing
def _days(year: int, month: int, day: int) -> int:
    """Days from 6 January 1980 (Fliegel and van Flandern, 1968)."""
    a = (14 - month) // 12
    y, m = year + 4800 - a, month + 12 * a - 3
    return day + (153 * m + 2) // 5 + 365 * y + y // 4 - y // 100 + y // 400 - 32_045 - 2_444_245


@borrowing
def _is_late(rows: Rows, epoch: int) -> bool:
    if epoch == 0:
        return False
    weeks = rows.week[epoch] - rows.week[epoch - 1]
    return bool(weeks * 604_800.0 + rows.tow_s[epoch] - rows.tow_s[epoch - 1] <= 0)


@borrowing
def _satellite(buffer: Bytes, at: int, alone: int) -> int:
    """The number of the satellite written at `at`; -1 if there is none."""
    letter = buffer[at] if buffer[at] != _BLANK else alone
    number = integer(buffer, at + 1, at + 3)
    if number <= 0:
        return -1
    for s in range(len(_LETTERS)):
        if _LETTERS[s] == letter:
            return s * _SYSTEM_STEP + number
    return -1


@borrowing
def _sorted_in(pending: I64, found: int, satellite: int, line: int, problems: Problems) -> int:
    """Insert a satellite and its line among the `found` by rising satellite; how many then."""
    at = found
    while at > 0 and pending[at - 1, 0] >= satellite:
        at -= 1
    if at < found and pending[at, 0] == satellite:
        _refuse(problems, line, DOUBLE)
        return found
    if found == _AT_ONCE:
        _refuse(problems, line, COUNT)
        return found
    for k in range(found, at, -1):
        pending[k, 0], pending[k, 1] = pending[k - 1, 0], pending[k - 1, 1]
    pending[at, 0], pending[at, 1] = satellite, line
    return found + 1


@borrowing
def _listed3(
    buffer: Bytes, starts: I64, begin: int, end: int, pending: I64, problems: Problems
) -> int:
    found = 0
    for line in range(begin, end):
        at = starts[line]
        satellite = _satellite(buffer, at, 0) if starts[line + 1] - at > 3 else -1
        if satellite < 0:
            _refuse(problems, line, SATELLITE)
        else:
            found = _sorted_in(pending, found, satellite, line, problems)
    return found


@borrowing
def _listed2(
    buffer: Bytes,
    starts: I64,
    head: int,
    body: int,
    deep: int,
    whole: int,
    alone: int,
    pending: I64,
    problems: Problems,
) -> int:
    found = 0
    for k in range(whole):
        at = starts[head + k // 12] + 32 + 3 * (k % 12)
        inside = at + 3 <= starts[head + k // 12 + 1]
        satellite = _satellite(buffer, at, alone) if inside else -1
        if satellite < 0:
            _refuse(problems, head + k // 12, SATELLITE)
        else:
            found = _sorted_in(pending, found, satellite, body + k * deep, problems)
    return found


@borrowing
def _fill(
    buffer: Bytes,
    starts: I64,
    table: Columns,
    found: int,
    deep: int,
    restart: bool,
    rows: Rows,
    row: int,
    problems: Problems,
) -> int:
    """Rows of one epoch from its lines, `deep` lines a satellite (0: RINEX 3); the next row."""
    for k in range(found):
        satellite, line = rows.pending[k, 0], rows.pending[k, 1]
        told = 0
        for slot in range(BANDS):
            told += table.signal[satellite // _SYSTEM_STEP, slot, 0, 0]
        if told == 0:
            _refuse(problems, line, UNTOLD)
            continue
        rows.satellite[row] = satellite
        taken = _row(buffer, starts, table, satellite, line, deep, restart, rows, row)
        if taken < 0:
            _refuse(problems, line, FIELD)
        row += taken > 0
    return row


@inlined
def _row(
    buffer: Bytes,
    starts: I64,
    table: Columns,
    satellite: int,
    line: int,
    deep: int,
    restart: bool,
    rows: Rows,
    row: int,
) -> int:
    """How many slots of the row a satellite fills; -1 if a field of it is no number."""
    s = satellite // _SYSTEM_STEP
    text = (starts[line] + 3, line_stop(buffer, starts, line))
    slots = 0
    for slot in range(BANDS):
        at = row * BANDS + slot
        taken = False
        for k in range(table.signal.shape[2]):
            band = table.signal[s, slot, k, 0]
            if band == 0:
                break
            if slot == 2 and band == rows.signal[2 * (at - 1)]:
                continue
            code, _ = _field(buffer, starts, line, deep, table.column[s, slot, k, 0], text)
            phase, flags = _field(buffer, starts, line, deep, table.column[s, slot, k, 1], text)
            if np.isnan(code) and np.isnan(phase):
                continue
            doppler, _ = _field(buffer, starts, line, deep, table.column[s, slot, k, 2], text)
            cn0, _ = _field(buffer, starts, line, deep, table.column[s, slot, k, 3], text)
            if code == np.inf or phase == np.inf or doppler == np.inf or cn0 == np.inf:
                return -1
            rows.code_m[at] = code
            rows.phase_cycles[at] = phase
            rows.doppler_hz[at] = doppler
            rows.cn0_dbhz[at] = cn0
            rows.slip[at] = restart or flags & 1
            rows.half_cycle[at] = flags & 2
            rows.signal[2 * at] = band
            rows.signal[2 * at + 1] = table.signal[s, slot, k, 1]
            step = table.step_hz[s, slot, k]
            centre = table.centre_hz[s, slot, k]
            channel = table.channel[satellite % _SYSTEM_STEP] if step > 0 else 0.0
            rows.frequency_hz[at] = centre + step * channel
            taken = True
            break
        slots += taken
        if not taken:
            _leave_empty(rows, at)
    return slots


@inlined
def _leave_empty(rows: Rows, at: int) -> None:
    rows.code_m[at] = np.nan
    rows.phase_cycles[at] = np.nan
    rows.doppler_hz[at] = np.nan
    rows.cn0_dbhz[at] = np.nan
    rows.slip[at] = False
    rows.half_cycle[at] = False
    rows.signal[2 * at] = 0
    rows.signal[2 * at + 1] = 0
    rows.frequency_hz[at] = np.nan


@inlined
def _field(
    buffer: Bytes, starts: I64, line: int, deep: int, column: int, text: tuple[int, int]
) -> tuple[float, int]:
    """Value and loss-of-lock flags of a column; NaN is not observed (also written as 0).

    text: where the numbers of a line of RINEX 3 begin and end.
    """
    if column < 0:
        return np.nan, 0
    if deep > 0:
        line += column // 5
        at, stop = starts[line] + _WIDTH * (column % 5), line_stop(buffer, starts, line)
    else:
        at, stop = text[0] + _WIDTH * column, text[1]
    value = observed(buffer, at, stop)
    flags = 0
    if at + _NUMBER < stop:
        digit: Any = np.int64(buffer[at + _NUMBER]) - _ZERO
        flags = digit if 0 < digit <= 9 else 0
    return (np.nan if value == 0 else value), flags
