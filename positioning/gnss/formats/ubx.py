"""u-blox UBX files: observations, broadcast messages, and the receiver's own positions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from common.drivers.base import CorruptSampleError
from common.drivers.gnss import ubx
from common.drivers.gnss.framing import Counts, Frame, Framer
from common.types.gnss import GnssEpoch
from positioning.gnss.formats import source
from positioning.gnss.formats.epochs import observations
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.formats.inav import InavCollector
from positioning.gnss.formats.lnav import LnavCollector
from positioning.gnss.navigation import GLONASS, KEPLER, NavigationMessages, merged
from positioning.gnss.observations import Observations
from positioning.gnss.satellite import encode
from positioning.gnss.time import LATEST_LEAP_S

CHUNK_BYTES = 1 << 16
_GPS_LNAV, _GALILEO = 0, 2
_GALILEO_INAV = (0, 1, 5)  # sigId: reserved (older receivers), E1-B, E5b


@dataclass(slots=True)
class Told:
    """What was left out: frames and bytes of the stream, and frames that make no sense."""

    counts: Counts = field(default_factory=Counts)
    refused: int = 0


def read(path: Path, told: Told | None = None) -> Observations:
    """All epochs with a known time. GnssFileError where there is none."""
    found = epochs(path, told)
    try:
        return observations(found)
    except ValueError as error:
        raise GnssFileError(path, f"{error}: is RXM-RAWX switched on in the receiver?") from error


def epochs(path: Path, told: Told | None = None) -> list[GnssEpoch]:
    """Every RXM-RAWX of a file, with the navigation frames that came before it."""
    told = Told() if told is None else told
    decoder = ubx.UbxDecoder()
    found: list[GnssEpoch] = []
    for frame in frames(path, told):
        try:
            found += decoder.decode(frame)
        except CorruptSampleError:
            told.refused += 1
    return found


def frames(path: Path, told: Told) -> list[Frame]:
    """Frames of any protocol whose checksum is right. GnssFileError where there is none."""
    data, framer = source.read(path), Framer()
    found: list[Frame] = []
    for at in range(0, len(data), CHUNK_BYTES):
        found += framer.feed(data[at : at + CHUNK_BYTES])
    framer.finish()
    told.counts = framer.counts
    if not found:
        raise GnssFileError(path, f"{len(data)} bytes without a frame of UBX, RTCM 3 or NMEA")
    return found


def read_navigation(path: Path, told: Told | None = None) -> NavigationMessages:
    """GPS LNAV and Galileo I/NAV ephemerides and ionosphere; other systems are passed over."""
    told = Told() if told is None else told
    return navigation(epochs(path, told), told)


def navigation(listed: list[GnssEpoch], told: Told | None = None) -> NavigationMessages:
    """The ephemerides in the navigation frames of epochs, each once."""
    told = Told() if told is None else told
    weeks = [epoch.week for epoch in listed if epoch.week]
    collector = FrameCollector(weeks[0] if weeks else 0)
    for epoch in listed:
        for frame in epoch.navigation:
            try:
                collector.add(frame)
            except ValueError:
                told.refused += 1
    leaps = [epoch.leap_s for epoch in listed if epoch.leap_s is not None]
    return collector.messages(leaps[-1] if leaps else LATEST_LEAP_S)


class FrameCollector:
    """Collects RXM-SFRBX frames of all satellites; `near_week` is a GPS week close by."""

    def __init__(self, near_week: int) -> None:
        self._near_week = near_week
        self._collectors: dict[int, LnavCollector | InavCollector] = {}
        self._records: list[dict[str, Any]] = []

    def __len__(self) -> int:
        """Ephemerides so far."""
        return len(self._records)

    def add(self, frame: bytes) -> None:
        """One whole UBX frame; what is not of GPS or Galileo is passed over. ValueError."""
        if frame[2:4] != ubx.SFRBX:
            return
        payload = frame[6:-2]
        if len(payload) < 8 or len(payload) != 8 + 4 * payload[4]:
            raise ValueError(f"RXM-SFRBX of {len(payload)} bytes")
        gnss, number, signal = payload[0], payload[1], payload[2]
        is_inav = gnss == _GALILEO and signal in _GALILEO_INAV
        if not (is_inav or (gnss == _GPS_LNAV and signal == 0)):
            return
        words = tuple(int(word) for word in np.frombuffer(payload, "<u4", -1, 8))
        satellite = encode(f"{'E' if is_inav else 'G'}{number:02d}")
        if satellite not in self._collectors:
            kind = InavCollector if is_inav else LnavCollector
            self._collectors[satellite] = kind(satellite)
        record = self._collectors[satellite].add(words, self._near_week)
        if record is not None:
            self._records.append(record)

    def messages(self, leap_s: int = LATEST_LEAP_S) -> NavigationMessages:
        """All ephemerides so far, each once."""
        names = KEPLER.names or ()
        rows = [tuple(record.get(name, 0.0) for name in names) for record in self._records]
        ionosphere: dict[str, Any] = {}
        for collector in self._collectors.values():
            ionosphere |= collector.ionosphere
        kepler, glonass = np.array(rows, dtype=KEPLER), np.zeros(0, GLONASS)
        return merged([NavigationMessages(kepler, glonass, ionosphere, leap_s)])
