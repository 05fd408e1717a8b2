"""RINEX 2, 3 and 4 observation files, plain, gzip or Hatanaka, as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats import rinex_header, rinex_rows, signals, source
from positioning.gnss.formats.errors import GnssFileError, Refusal
from positioning.gnss.formats.fields import line_count, line_starts
from positioning.gnss.formats.rinex_header import Header
from positioning.gnss.formats.rinex_rows import PROBLEMS, Problems, Rows
from positioning.gnss.formats.rinex_write import write_observations as write
from positioning.gnss.observations import Observations
from positioning.gnss.satellite import BANDS, SYSTEMS

__all__ = ["read", "write"]


def read(path: Path, refusals: list[Refusal] | None = None) -> Observations:
    """All epochs of a file; broken lines are left out and appended to `refusals`.

    Of several signals of a band the first in a fixed order of tracking attributes is taken, so
    that a base and a rover agree. Times become GPS time. Raises GnssFileError for a file that is
    no RINEX observation file or holds no epoch.
    """
    path = Path(path)
    data = source.read(path)
    header = rinex_header.read(path, data)
    if header.kind != "O":
        raise GnssFileError(path, f"RINEX of kind {header.kind!r}, not observations")
    if not any(header.types.values()):
        raise GnssFileError(path, "the RINEX header tells of no observation types")
    buffer = np.frombuffer(data, dtype=np.uint8)
    starts = line_starts(buffer, header.body, line_count(buffer, header.body))
    rows, problems, epochs, count = _body(buffer, starts, header)
    _tell(path, header, problems, refusals)
    if epochs == 0:
        raise GnssFileError(path, f"no epoch in it ({problems.total[0]} broken lines)")
    return _observations(rows, epochs, count, header)


def _body(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], header: Header
) -> tuple[Rows, Problems, int, int]:
    lines = len(starts) - 1
    rows, problems = rinex_rows.room(lines, lines), rinex_rows.no_problems()
    given = (buffer, starts, signals.columns(header), header.ahead_s, rows, problems)
    if header.version >= 3:
        epochs, count = rinex_rows.read3(*given)
    else:
        alone = ord("G" if header.system == "M" else header.system)
        epochs, count = rinex_rows.read2(*given, len(header.types[""]), alone)
    return rows, problems, epochs, count


def _tell(path: Path, header: Header, problems: Problems, refusals: list[Refusal] | None) -> None:
    if refusals is None:
        return
    told = min(int(problems.total[0]), rinex_rows.MOST)
    for line, what in zip(problems.line[:told], problems.what[:told], strict=True):
        refusals.append(Refusal(path, int(line) + header.lines + 1, PROBLEMS[what]))
    if problems.total[0] > told:
        more = f"and {int(problems.total[0]) - told} more broken lines"
        refusals.append(Refusal(path, refusals[-1].line, more))


def _observations(rows: Rows, epochs: int, count: int, header: Header) -> Observations:
    def banded(values: NDArray[Any]) -> NDArray[Any]:
        return values[: count * BANDS].reshape(count, BANDS)

    result = Observations(
        week=rows.week[:epochs],
        tow_s=rows.tow_s[:epochs],
        first=rows.first[: epochs + 1],
        satellite=rows.satellite[:count],
        code_m=banded(rows.code_m),
        phase_cycles=banded(rows.phase_cycles),
        doppler_hz=banded(rows.doppler_hz),
        cn0_dbhz=banded(rows.cn0_dbhz),
        slip=banded(rows.slip),
        half_cycle=banded(rows.half_cycle),
        signal=banded(rows.signal.view("S2")),
        frequency_hz=banded(rows.frequency_hz),
        approx_position_m=header.approx_position_m,
    )
    if header.scales:
        _unscale(result, header)
    return result


def _unscale(observations: Observations, header: Header) -> None:
    """Divide by the factors of SYS / SCALE FACTOR, in place."""
    fields = {"C": "code_m", "L": "phase_cycles", "D": "doppler_hz", "S": "cn0_dbhz"}
    letters = np.frombuffer(SYSTEMS.encode(), dtype="S1")
    system = letters[observations.satellite // 100]
    for (letter, code), factor in header.scales.items():
        here = (system == letter.encode())[:, None] & (observations.signal == code[1:].encode())
        getattr(observations, fields[code[0]])[here] /= factor
