"""Bytes of receivers, made by hand after the makers' layouts."""

from __future__ import annotations

import struct
from pathlib import Path

from common.drivers.gnss.framing import ubx

LEAP_KNOWN = 1
PHASE_AND_CODE, RESOLVED = 3, 4
WEEK = 2400


def signal(
    sv: int, code_m: float, *, gnss: int = 0, sig: int = 0, status: int = PHASE_AND_CODE | RESOLVED
) -> bytes:
    """One signal of RXM-RAWX, u-blox F9 interface description 3.17.3."""
    head = struct.pack("<ddf", code_m, code_m / 0.19, -1234.5)
    return head + struct.pack("<BBBBHBBBBBB", gnss, sv, sig, 0, 5000 + sv, 45, 3, 1, 2, status, 0)


def rawx(tow_s: float, signals: tuple[bytes, ...] | None = None, week: int = WEEK) -> bytes:
    """RXM-RAWX in its frame."""
    rows = signals if signals is not None else tuple(signal(k, 2e7 + k) for k in (5, 12, 25))
    head = struct.pack("<dHbBBBxx", tow_s, week, 18, len(rows), LEAP_KNOWN, 1)
    return ubx(0x02, 0x15, head + b"".join(rows))


def stream(count: int, rate_hz: float) -> list[bytes]:
    """Epochs from second 1000 of the week on."""
    return [rawx(1000.0 + k / rate_hz) for k in range(count)]


def ubx_file(folder: Path, count: int = 60, rate_hz: float = 50.0) -> Path:
    """A file of epochs, made once a folder."""
    path = folder / "receiver.ubx"
    if not path.exists():
        path.write_bytes(b"".join(stream(count, rate_hz)))
    return path


def wit(force: tuple[int, int, int], turn: tuple[int, int, int], celsius: float = 25.0) -> bytes:
    """A frame of acceleration and one of angular velocity, WitMotion's standard protocol."""
    return b"".join(
        _summed(struct.pack("<BB4h", 0x55, kind, *axes, round(celsius * 100)))
        for kind, axes in ((0x51, force), (0x52, turn))
    )


def _summed(frame: bytes) -> bytes:
    return frame + bytes([sum(frame) & 0xFF])
