"""Signals that the simulated receivers track: code, correlator, strength.

nominal_dbhz: C/N0 behind an isotropic right-handed antenna in the open: received power at the
ground as the interface documents tell it, a few dB over the promised least, over -174 dBm/Hz with
a noise figure and losses of some 3 dB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.satellite import FREQUENCIES_HZ, GLONASS_HZ, SYSTEMS
from positioning.sim.gnss.city import Array


@dataclass(frozen=True, slots=True)
class Signal:
    """code: RINEX band and attribute. slot: in Observations. chip_m: of the code. spacing: early
    to late, in chips. boc: a sub-carrier at the chip rate, BOC(n, n)."""

    code: str
    slot: int
    chip_m: float
    spacing: float
    nominal_dbhz: float
    boc: bool = False


_CHIP_M = 293.05
SIGNALS: dict[str, tuple[Signal, ...]] = {
    "G": (
        Signal("1C", 0, _CHIP_M, 0.1, 43.0),
        Signal("2L", 1, _CHIP_M, 0.1, 41.5),
        Signal("5Q", 2, _CHIP_M / 10, 0.6, 44.5),
    ),
    "R": (Signal("1C", 0, 586.7, 0.1, 42.5), Signal("2C", 1, 586.7, 0.1, 41.5)),
    "E": (
        Signal("1C", 0, _CHIP_M, 0.1, 43.0, boc=True),
        Signal("7Q", 1, _CHIP_M / 10, 0.6, 44.5),
        Signal("5Q", 2, _CHIP_M / 10, 0.6, 44.5),
    ),
    "C": (
        Signal("2I", 0, _CHIP_M / 2, 0.2, 43.0),
        Signal("7D", 1, _CHIP_M / 10, 0.6, 44.0),
        Signal("5P", 2, _CHIP_M / 10, 0.6, 44.5),
    ),
}
"""System letter -> its signals, at most one a slot."""

PAIRS = {"L1L2": (0, 1), "L1L5": (0, 2)}
"""Kinds of two-frequency receiver -> the slots that they fill."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What each of S satellites sends in the two bands of a receiver, (S, 2) each; frequency 0
    where a satellite sends nothing. traits: (S, 2, 4) chip, spacing in m, nominal C/N0, BOC."""

    slots: tuple[int, int]
    frequency_hz: Array
    traits: Array
    code: NDArray[np.bytes_]


def table(satellites: NDArray[np.int16], pair: str, channels: dict[int, int]) -> Table:
    """The signals of satellites (S,); channels: GLONASS satellite -> frequency channel."""
    slots = PAIRS[pair]
    count = len(satellites)
    made = Table(
        slots, np.zeros((count, 2)), np.zeros((count, 2, 4)), np.zeros((count, 2), dtype="S2")
    )
    for s, satellite in enumerate(satellites):
        letter = SYSTEMS[satellite // 100]
        for signal in SIGNALS[letter]:
            if signal.slot not in slots:
                continue
            band = slots.index(signal.slot)
            made.frequency_hz[s, band] = carrier(letter, signal, channels.get(int(satellite), 0))
            spacing = signal.spacing * signal.chip_m
            made.traits[s, band] = signal.chip_m, spacing, signal.nominal_dbhz, signal.boc
            made.code[s, band] = signal.code.encode()
    return made


def carrier(letter: str, signal: Signal, channel: int) -> float:
    """Carrier in Hz."""
    if letter == "R":
        centre, step = GLONASS_HZ[signal.code[0]]
        return centre + channel * step
    return FREQUENCIES_HZ[letter + signal.code[0]]
