"""Observations as a u-blox receiver sends them: UBX-RXM-RAWX (F9 HPG interface description).

Navigation subframes are not sent: their content is in the RINEX file beside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.errors import MissingExtraError
from positioning.gnss.observations import Observations
from positioning.gnss.satellite import BANDS, GLONASS_HZ, SYSTEMS

_MEASUREMENT = np.dtype([
    ("code_m", "<f8"), ("phase", "<f8"), ("doppler", "<f4"), ("gnss", "u1"), ("number", "u1"),
    ("signal", "u1"), ("channel", "u1"), ("lock_ms", "<u2"), ("cn0", "u1"), ("code_std", "u1"),
    ("phase_std", "u1"), ("doppler_std", "u1"), ("status", "u1"), ("reserved", "u1"),
])  # fmt: skip
_HEADER = np.dtype([
    ("tow", "<f8"), ("week", "<u2"), ("leap", "i1"), ("count", "u1"), ("status", "u1"),
    ("version", "u1"), ("reserved", "u1", (2,)),
])  # fmt: skip

_GNSS = {"G": 0, "S": 1, "E": 2, "C": 3, "J": 5, "R": 6}
_SIGNALS = {
    "G1C": 0, "G2L": 3, "G5Q": 7, "E1C": 0, "E7Q": 6, "E5Q": 4, "C2I": 0, "C5P": 7,
    "C7D": 2,  # no number for B2b: as B2I, which has its carrier
    "R1C": 0, "R2C": 2,
}  # fmt: skip
_CODE_VALID, _PHASE_VALID, _HALF_KNOWN = 1, 2, 4
_MOST_LOCK_MS = 64_500


def raw(observations: Observations, leap_s: int) -> bytes:
    """The stream of one RXM-RAWX message an epoch.

    Raises MissingExtraError without pyubx2, KeyError for a signal that u-blox has no number for.
    """
    try:
        from pyubx2 import GET, UBXMessage
    except ImportError as error:
        raise MissingExtraError("pyubx2", "gnss") from error

    row, measurements = _measurements(observations)
    first = np.searchsorted(row, observations.first)
    messages = []
    for e in range(len(observations)):
        low, high = first[e], first[e + 1]
        header = np.zeros(1, _HEADER)
        header["tow"], header["week"] = observations.tow_s[e], observations.week[e]
        header["leap"], header["count"] = leap_s, high - low
        header["status"], header["version"] = 1, 1
        payload = header.tobytes() + measurements[low:high].tobytes()
        messages.append(UBXMessage("RXM", "RXM-RAWX", GET, payload=payload).serialize())
    return b"".join(messages)


def _measurements(
    observations: Observations,
) -> tuple[NDArray[np.int64], NDArray[np.void]]:
    """Row and record of everything that was observed."""
    row, slot = np.nonzero(observations.signal != b"")
    made = np.zeros(len(row), _MEASUREMENT)
    letters = [SYSTEMS[s] for s in observations.satellite[row] // 100]
    codes = observations.signal[row, slot]
    made["code_m"] = observations.code_m[row, slot]
    made["phase"] = observations.phase_cycles[row, slot]
    made["doppler"] = observations.doppler_hz[row, slot]
    made["gnss"] = [_GNSS[letter] for letter in letters]
    made["number"] = observations.satellite[row] % 100
    names = [letter + code.decode() for letter, code in zip(letters, codes, strict=True)]
    made["signal"] = [_SIGNALS[name] for name in names]
    made["channel"] = _channels(observations, row, slot)
    made["lock_ms"] = _lock_ms(observations)[row, slot]
    made["cn0"] = np.round(observations.cn0_dbhz[row, slot])
    made["code_std"], made["phase_std"], made["doppler_std"] = 5, 3, 8
    known = np.where(observations.half_cycle[row, slot], 0, _HALF_KNOWN)
    made["status"] = _CODE_VALID + _PHASE_VALID + known
    return row, made


def _channels(
    observations: Observations, row: NDArray[np.int64], slot: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """GLONASS frequency channel + 7, 0 for others."""
    carrier = observations.frequency_hz[row, slot]
    centre = np.array([GLONASS_HZ["1"], GLONASS_HZ["2"], GLONASS_HZ["2"]])[slot]
    channel = np.round((carrier - centre[:, 0]) / centre[:, 1]) + 7
    is_glonass = observations.satellite[row] // 100 == SYSTEMS.index("R")
    return np.where(is_glonass, channel, 0).astype(np.uint8)


def _lock_ms(observations: Observations) -> NDArray[np.int64]:
    """(N, BANDS) time since a slip was told."""
    lock = np.zeros(observations.slip.shape, np.int64)
    since = np.full((100 * len(SYSTEMS), BANDS), np.nan)
    time = observations.week * 604_800.0 + observations.tow_s
    for e in range(len(observations)):
        rows = slice(observations.first[e], observations.first[e + 1])
        satellites = observations.satellite[rows]
        start = np.where(observations.slip[rows], time[e], since[satellites])
        start = np.where(np.isnan(start), time[e], start)
        since[satellites] = np.where(observations.signal[rows] != b"", start, np.nan)
        lock[rows] = np.minimum(_MOST_LOCK_MS, np.round(1e3 * (time[e] - start)))
    return lock
