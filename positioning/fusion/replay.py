"""Measurements out of sequence: the last half second is kept, and played again where one is late.

Exact, and the filter's own cost for each scan that is newer than the late one (Bar-Shalom, Willett
and Tian, Tracking and Data Fusion, 2011, section 4.9, for what to do where that is too dear).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from positioning.fusion.scan import Scan
from positioning.fusion.tracker import Outcome, Tracker
from positioning.fusion.tracks import Tracks


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    before: Tracks
    scan: Scan


class Replay:
    """Feeds a tracker scans in any order. lag_s: how late one may be; later ones are refused."""

    def __init__(self, tracker: Tracker, lag_s: float = 0.5) -> None:
        self.tracker, self._lag_s = tracker, lag_s
        self._kept: list[_Kept] = []
        self.tracks: Tracks | None = None
        self.late = self.refused = 0

    def add(self, scan: Scan) -> Outcome | None:
        """The scan's own pairs; None where it came too late. `tracks` is at the newest scan."""
        if self.tracks is None:
            self.tracks = Tracks.none(scan.time_s)
        times = [kept.scan.time_s for kept in self._kept]
        if scan.time_s < self.tracks.time_s - self._lag_s or (
            not times and scan.time_s < self.tracks.time_s
        ):
            self.refused += 1
            return None
        place = bisect_right(times, scan.time_s)
        newer = [kept.scan for kept in self._kept[place:]]
        self.late += bool(newer)
        before = self._kept[place].before if newer else self.tracks
        if before.time_s > scan.time_s:
            self.refused += 1
            return None
        del self._kept[place:]
        outcome = self._play(before, scan)
        for one in newer:
            assert self.tracks is not None
            self._play(self.tracks, one)
        self._forget()
        return outcome

    def _play(self, before: Tracks, scan: Scan) -> Outcome:
        outcome = self.tracker.step(before, scan)
        self._kept.append(_Kept(before, scan))
        self.tracks = outcome.tracks
        return outcome

    def _forget(self) -> None:
        """Drop what is older than the lag."""
        assert self.tracks is not None
        edge = self.tracks.time_s - self._lag_s
        while len(self._kept) > 1 and self._kept[1].scan.time_s <= edge:
            self._kept.pop(0)
