"""Carrier frequencies by system and RINEX band, from the systems' interface documents."""

from __future__ import annotations

_HZ = {
    "G": {"1": 1575.42e6, "2": 1227.60e6, "5": 1176.45e6},
    "E": {"1": 1575.42e6, "5": 1176.45e6, "7": 1207.14e6, "8": 1191.795e6, "6": 1278.75e6},
    "C": {
        "1": 1575.42e6, "2": 1561.098e6, "5": 1176.45e6, "6": 1268.52e6, "7": 1207.14e6,
        "8": 1191.795e6,
    },
    "J": {"1": 1575.42e6, "2": 1227.60e6, "5": 1176.45e6, "6": 1278.75e6},
    "S": {"1": 1575.42e6, "5": 1176.45e6},
    "I": {"5": 1176.45e6, "9": 2492.028e6},
    "R": {"3": 1202.025e6, "4": 1600.995e6, "6": 1248.06e6},
}  # fmt: skip
_GLONASS = {"1": (1602.0e6, 0.5625e6), "2": (1246.0e6, 0.4375e6)}


def carrier_hz(letter: str, band: str, channel: int | None = None) -> float:
    """The carrier; `channel` -7..6 matters for GLONASS G1 and G2. NaN for what is not known."""
    if letter == "R" and band in _GLONASS:
        if channel is None or not -7 <= channel <= 6:
            return float("nan")
        centre, step = _GLONASS[band]
        return centre + channel * step
    return _HZ.get(letter, {}).get(band, float("nan"))
