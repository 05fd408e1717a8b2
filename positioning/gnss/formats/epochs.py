"""Epochs that a receiver handed over, as the arrays that every method works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.types.gnss import SIGNAL, WEEK_S, GnssEpoch
from positioning.gnss.formats.rinex_header import Header
from positioning.gnss.formats.signals import columns
from positioning.gnss.observations import Observations
from positioning.gnss.satellite import BANDS, SYSTEMS, decode, encode

_NONE = 99
_FLOATS = ("code_m", "phase_cycles", "doppler_hz", "cn0_dbhz", "frequency_hz")
_UNKNOWN_WEEK = 0


def observations(
    epochs: Iterable[GnssEpoch], approx_position_m: NDArray[np.float64] | None = None
) -> Observations:
    """All epochs with a known time, in their order; ValueError when there is none.

    Of several signals of a band the one that RINEX files are read by is taken. A phase has slipped
    when its time of lock fell, or is shorter than the time since the epoch before.
    """
    timed = [epoch for epoch in epochs if epoch.week != _UNKNOWN_WEEK]
    if not timed:
        raise ValueError("no epoch with a known time")
    rows = np.concatenate([epoch.signals for epoch in timed])
    epoch_of = np.repeat(np.arange(len(timed)), [epoch.count for epoch in timed])
    satellite, slot, rank = _places(rows)
    order = np.lexsort((rank, slot, satellite, epoch_of))
    order = order[rank[order] != _NONE]
    key = np.stack([epoch_of, satellite, slot], axis=1)[order]
    first_of_slot = np.ones(len(order), np.bool_)
    first_of_slot[1:] = np.any(key[1:] != key[:-1], axis=1)
    return _filled(timed, rows[order[first_of_slot]], key[first_of_slot], approx_position_m)


def split(observed: Observations) -> Iterator[GnssEpoch]:
    """The epochs of arrays, one after the other, as a receiver would hand them over.

    The time of lock is counted from an epoch's slip, or from the first epoch that has the signal.
    """
    began: dict[tuple[int, int], float] = {}
    for e in range(len(observed)):
        now_s = float(observed.week[e]) * WEEK_S + float(observed.tow_s[e])
        low, high = int(observed.first[e]), int(observed.first[e + 1])
        row, slot = np.nonzero(observed.signal[low:high] != b"")
        table = np.zeros(len(row), SIGNAL)
        at = (row + low, slot)
        for name in (*_FLOATS, "half_cycle", "signal"):
            table[name] = getattr(observed, name)[at]
        table["satellite"] = [decode(s).encode() for s in observed.satellite[at[0]].tolist()]
        keys = list(zip(observed.satellite[at[0]].tolist(), slot.tolist(), strict=True))
        for key, slipped in zip(keys, observed.slip[at].tolist(), strict=True):
            if slipped or key not in began:
                began[key] = now_s
        table["lock_s"] = [now_s - began[key] for key in keys]
        began = {key: began[key] for key in keys}
        yield GnssEpoch.make(int(observed.week[e]), float(observed.tow_s[e]), table)


def _filled(
    timed: list[GnssEpoch],
    rows: NDArray[Any],
    key: NDArray[np.int64],
    approx_position_m: NDArray[np.float64] | None,
) -> Observations:
    """Arrays from one row a slot, in order of epoch, satellite and slot."""
    starts = np.ones(len(key), np.bool_)
    starts[1:] = np.any(key[1:, :2] != key[:-1, :2], axis=1)
    at = (np.cumsum(starts) - 1, key[:, 2])
    count = int(starts.sum())
    floats = {name: np.full((count, BANDS), np.nan) for name in _FLOATS}
    for name, array in floats.items():
        array[at] = rows[name]
    flags = {name: np.zeros((count, BANDS), np.bool_) for name in ("slip", "half_cycle")}
    flags["half_cycle"][at] = rows["half_cycle"]
    flags["slip"][at] = _slips(timed, rows, key)
    signal = np.zeros((count, BANDS), "S2")
    signal[at] = rows["signal"]
    return Observations(
        week=np.array([epoch.week for epoch in timed], np.int32),
        tow_s=np.array([epoch.tow_s for epoch in timed]),
        first=np.searchsorted(key[starts, 0], np.arange(len(timed) + 1)).astype(np.int64),
        satellite=key[starts, 1].astype(np.int16),
        code_m=floats["code_m"],
        phase_cycles=floats["phase_cycles"],
        doppler_hz=floats["doppler_hz"].astype(np.float32),
        cn0_dbhz=floats["cn0_dbhz"].astype(np.float32),
        signal=signal,
        frequency_hz=floats["frequency_hz"],
        approx_position_m=approx_position_m,
        **flags,
    )


def _places(rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Satellite, band slot and rank within the slot of each row; rank _NONE fits no slot."""
    names, which = np.unique(rows["satellite"], return_inverse=True)
    satellite = np.array([encode(name.decode()) for name in names], np.int64)[which]
    pairs = np.char.add(rows["satellite"].astype("S1"), rows["signal"])
    kinds, kind_of = np.unique(pairs, return_inverse=True)
    table = _table([kind.decode() for kind in kinds])
    slot, rank = (np.array(column, np.int64)[kind_of] for column in zip(*table, strict=True))
    return satellite, slot, rank


def _table(kinds: list[str]) -> list[tuple[int, int]]:
    """(slot, rank) of each "G1C" among those that were observed."""
    types: dict[str, list[str]] = {}
    for kind in kinds:
        types.setdefault(kind[0], []).append("C" + kind[1:])
    told = columns(Header(3.04, "O", "M", 0, 0, types=types)).signal
    found = []
    for kind in kinds:
        wanted = np.frombuffer(kind[1:].encode().ljust(2, b"\0"), np.uint8)
        here = np.argwhere(np.all(told[SYSTEMS.index(kind[0])] == wanted, axis=-1))
        found.append((int(here[0][0]), int(here[0][1])) if len(here) else (0, _NONE))
    return found


def _slips(timed: list[GnssEpoch], rows: NDArray[Any], key: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows lost lock since the same satellite's slot in the epoch before."""
    seconds = np.array([epoch.time_ns for epoch in timed]) * 1e-9
    order = np.lexsort((key[:, 0], key[:, 2], key[:, 1]))
    same = np.all(key[order][1:, 1:] == key[order][:-1, 1:], axis=1)
    lock = rows["lock_s"][order].astype(np.float64)
    since_s = np.diff(seconds[key[order, 0]])
    fell = (lock[1:] < lock[:-1]) | (lock[1:] < since_s)
    other = rows["signal"][order][1:] != rows["signal"][order][:-1]
    reset = np.array([epoch.clock_reset for epoch in timed])[key[order[1:], 0]]
    slipped = np.zeros(len(rows), np.bool_)
    slipped[order[1:]] = same & (fell | other | reset)
    return slipped
