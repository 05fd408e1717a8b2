"""A real receiver's cold start: when its messages say that a first fix was possible, and its sky.

Reads a u-blox recording (RXM-SFRBX, NAV-STATUS, NAV-SAT). `possible_s` takes only what was decoded
and when; the receiver's own time to first fix is what it is judged by.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import LingnanError, MissingExtraError
from positioning.gnss.coldstart.ttff import View
from positioning.gnss.satellite import encode

MAX_BYTES = 256 * 2**20
_LEAST_SATELLITES = 4
_SEEN = 60  # seconds in sight that make a satellite one of the sky
_LETTERS = {0: "G", 2: "E", 3: "C"}


@dataclass(frozen=True, slots=True)
class ColdStart:
    """possible_s: since power-up, when the messages first allowed a fix; told_s: the receiver's.

    satellites: with an ephemeris then. words: Galileo word types in the order that one satellite
    sent them. lnav: (second of the 30 s cycle at its end, GPS sub-frame), how often. view: the sky
    with the median C/N0 of the recording, as if from power-up on.
    """

    possible_s: float
    told_s: float
    satellites: int
    words: tuple[int, ...]
    lnav: dict[tuple[int, int], int]
    view: View


def read(path: Path) -> ColdStart:
    """What a recording of a cold start tells. LingnanError where it holds no first fix."""
    if not path.is_file():
        raise LingnanError(f"{path}: there is no such file")
    if path.stat().st_size > MAX_BYTES:
        raise LingnanError(f"{path}: over {MAX_BYTES} bytes; cut the recording")
    heard = _Heard()
    for message in _messages(path):
        heard.take(message)
    if not heard.told_s or heard.possible_s == float("inf"):
        raise LingnanError(f"{path}: holds no cold start that ended in a fix")
    words = max(heard.words.values(), key=len, default=[])
    return ColdStart(
        heard.possible_s, heard.told_s, heard.count, tuple(words), dict(heard.lnav), heard.view()
    )


class _Heard:
    """What has been read so far."""

    def __init__(self) -> None:
        self.parts: dict[str, set[int]] = defaultdict(set)
        self.words: dict[int, list[int]] = defaultdict(list)
        self.lnav: dict[tuple[int, int], int] = defaultdict(int)
        self.sky: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        self.now_s, self.told_s, self.power_up_s = 0.0, 0.0, 0.0
        self.possible_s, self.count = float("inf"), 0

    def take(self, message: Any) -> None:
        """One message after the other."""
        if message.identity == "NAV-STATUS":
            self.now_s = message.msss / 1e3
            self.told_s = self.told_s or message.ttff / 1e3
            self.power_up_s = message.iTOW / 1e3 - self.now_s
        elif message.identity == "NAV-SAT":
            self._look(message)
        elif message.identity == "RXM-SFRBX":
            self._collect(message)

    def view(self) -> View:
        """The sky with each satellite's median C/N0, for three minutes from power-up."""
        names = sorted(name for name, seen in self.sky.items() if len(seen) >= _SEEN)
        told = np.array([np.median(self.sky[name], axis=0) for name in names])
        azimuth, elevation = np.radians(told[:, 1]), np.radians(told[:, 2])
        flat = np.cos(elevation)
        line = np.column_stack((flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)))
        number = np.array([encode(name) for name in names], np.int16)
        return View(number, np.tile(told[:, 0], (900, 1)), line, self.power_up_s, 0.2)

    def _look(self, message: Any) -> None:
        for i in range(1, message.numSvs + 1):
            system = _LETTERS.get(getattr(message, f"gnssId_{i:02d}"))
            cn0, up = getattr(message, f"cno_{i:02d}"), getattr(message, f"elev_{i:02d}")
            if system and cn0 > 0 and up > 0:
                name = f"{system}{getattr(message, f'svId_{i:02d}'):02d}"
                self.sky[name].append((cn0, getattr(message, f"azim_{i:02d}"), up))

    def _collect(self, message: Any) -> None:
        """Which parts of its ephemeris a satellite has told by this message."""
        data = [getattr(message, f"dwrd_{i + 1:02d}") for i in range(message.numWords)]
        name = f"{_LETTERS.get(message.gnssId, '?')}{message.svId:02d}"
        if name[0] == "G" and len(data) == 10:
            subframe, tow_s = (data[1] >> 8) & 7, ((data[1] >> 13) & 0x1FFFF) * 6
            self.lnav[tow_s % 30, subframe] += 1
            self.parts[name].add(subframe)
        elif name[0] == "E" and len(data) >= 8 and not data[0] >> 31:
            kind = (data[0] >> 24) & 0x3F
            self.words[message.svId].append(kind)
            self.parts[name].add(kind)
        whole = sum(_is_whole(name, held) for name, held in self.parts.items())
        if whole >= _LEAST_SATELLITES and self.possible_s == float("inf"):
            self.possible_s, self.count = self.now_s, whole


def _messages(path: Path) -> Any:
    try:
        from pyubx2 import UBX_PROTOCOL, UBXReader
    except ImportError as error:
        raise MissingExtraError("pyubx2", "gnss") from error
    with path.open("rb") as stream:
        for _, message in UBXReader(stream, protfilter=UBX_PROTOCOL, quitonerror=0):
            if message is not None:
                yield message


def _is_whole(name: str, held: set[int]) -> bool:
    return {1, 2, 3} <= held if name[0] == "G" else 16 in held or {1, 2, 3, 4} <= held
