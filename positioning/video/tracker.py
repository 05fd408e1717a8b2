"""Road users followed through a video, each with a number that stays.

Sure boxes are given to tracks first, then what is left of the tracks may take weak boxes, so that a
body that is hidden in part keeps its number and no weak box starts a track (Zhang et al.,
ByteTrack, ECCV 2022). A track that nothing was given to waits, and is found again by a sure box.

What looks like a road user for a moment, as a lorry's wheel does, would live on by weak boxes for
as long as it is in sight. So a track is told only while its recent boxes were sure enough on
average (cf. Benbarka et al., Score refinement for confidence-based 3D multi-object tracking, IROS
2021).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.types.detections import Detections
from positioning.video.detector import NAMES, iou
from positioning.video.motion import Motion

Indices = NDArray[np.int64]


class FrameOrderError(LingnanError):
    """A frame came after one that was taken later."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """weak, sure: least scores of the two kinds of boxes; start: of one that begins a track.
    sure_iou, weak_iou, new_iou: least overlap with a track, for weak boxes, and with a track that
    was seen once. waits_s: how long a track is kept unseen. tell: least running mean of the scores
    of its boxes, over some recent_s, with which a track is told."""

    weak: float = 0.1
    sure: float = 0.4
    start: float = 0.5  # a tenth above sure, as ByteTrack has it
    sure_iou: float = 0.2
    weak_iou: float = 0.5
    new_iou: float = 0.3
    waits_s: float = 1.0
    tell: float = 0.4
    recent_s: float = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """What a frame shows of the tracks. number (N,): identities; boxes_px (N, 4): filtered;
    detection (N,): index of the box that each took; label (N,): by the votes of all its boxes."""

    number: Indices
    boxes_px: NDArray[np.float32]
    detection: Indices
    label: Indices

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True, slots=True, eq=False)
class _Tracks:
    """number (T,); motion; votes (T, classes); is_known (T,): seen twice; seen_s (T,): last;
    belief (T,): running mean of scores."""

    number: Indices
    motion: Motion
    votes: NDArray[np.float64]
    is_known: NDArray[np.bool_]
    seen_s: NDArray[np.float64]
    belief: NDArray[np.float64]

    @classmethod
    def begin(cls, found: Detections, chosen: Indices, first: int, now_s: float) -> _Tracks:
        return cls(
            first + np.arange(len(chosen)),
            Motion.begin(found.boxes_px[chosen]),
            _votes(found, chosen),
            np.zeros(len(chosen), np.bool_),
            np.full(len(chosen), now_s),
            found.scores[chosen].astype(np.float64),
        )

    def where(self, kept: NDArray[np.bool_]) -> _Tracks:
        return _Tracks(
            self.number[kept], self.motion.where(kept), self.votes[kept],
            self.is_known[kept], self.seen_s[kept], self.belief[kept],
        )  # fmt: skip

    def joined(self, other: _Tracks) -> _Tracks:
        return _Tracks(
            np.concatenate([self.number, other.number]),
            self.motion.joined(other.motion),
            np.concatenate([self.votes, other.votes]),
            np.concatenate([self.is_known, other.is_known]),
            np.concatenate([self.seen_s, other.seen_s]),
            np.concatenate([self.belief, other.belief]),
        )

    def given(
        self, tracks: Indices, found: Detections, boxes: Indices, now_s: float, recent_s: float
    ) -> _Tracks:
        votes, known, seen = self.votes.copy(), self.is_known.copy(), self.seen_s.copy()
        votes[tracks] += _votes(found, boxes)
        belief, share = self.belief.copy(), -np.expm1((seen[tracks] - now_s) / recent_s)
        belief[tracks] += share * (found.scores[boxes] - belief[tracks])
        known[tracks], seen[tracks] = True, now_s
        motion = self.motion.measured(tracks, found.boxes_px[boxes])
        return _Tracks(self.number, motion, votes, known, seen, belief)


class ImageTracker:
    """Boxes of one camera in, identities out. The same boxes give the same identities."""

    def __init__(self, settings: TrackerSettings = TrackerSettings()) -> None:
        self._settings = settings
        self._tracks = _Tracks.begin(Detections(names=NAMES), np.zeros(0, np.int64), 1, 0.0)
        self._next = 1
        self._now_s = -np.inf

    def step(self, time_s: float, found: Detections) -> Tracked:
        """The frame of `time_s`; frames may be missing before it. FrameOrderError for one that is
        not later than the last."""
        if not time_s > self._now_s:
            told = f"a frame of {time_s} s came after that of {self._now_s} s"
            raise FrameOrderError(f"{told}: sort the frames by their stamps")
        seconds = time_s - self._now_s if np.isfinite(self._now_s) else 0.0
        past = replace(self._tracks, motion=self._tracks.motion.after(seconds))
        tracks, boxes = self._associate(past, found, self._now_s)
        kept = past.given(tracks, found, boxes, time_s, self._settings.recent_s)
        waiting = time_s - kept.seen_s <= self._settings.waits_s
        kept = kept.where(np.where(kept.is_known, waiting, kept.seen_s == time_s))
        took = dict(zip(past.number[tracks].tolist(), boxes.tolist(), strict=True))
        self._tracks, self._now_s = kept.joined(self._begun(found, boxes, time_s)), time_s
        return self._told(took, time_s)

    def _associate(
        self, past: _Tracks, found: Detections, last_s: float
    ) -> tuple[Indices, Indices]:
        """Known tracks with sure boxes, those seen a frame ago with weak ones, new with sure."""
        told, score = self._settings, found.scores
        overlap = iou(past.motion.boxes_px, found.boxes_px)
        sure = score >= told.sure
        weak = (score >= told.weak) & ~sure
        rounds = (
            (past.is_known, sure, told.sure_iou),
            (past.is_known & (past.seen_s == last_s), weak, told.weak_iou),
            (~past.is_known, sure, told.new_iou),
        )
        tracks, boxes = np.zeros(0, np.int64), np.zeros(0, np.int64)
        for of_tracks, of_boxes, least in rounds:
            left = np.flatnonzero(of_tracks & ~np.isin(np.arange(len(of_tracks)), tracks))
            free = np.flatnonzero(of_boxes & ~np.isin(np.arange(len(of_boxes)), boxes))
            row, column = matched(overlap[np.ix_(left, free)], least)
            tracks, boxes = np.append(tracks, left[row]), np.append(boxes, free[column])
        return tracks, boxes

    def _begun(self, found: Detections, taken: Indices, now_s: float) -> _Tracks:
        free = found.scores >= self._settings.start
        free[taken] = False
        chosen = np.flatnonzero(free)
        begun = _Tracks.begin(found, chosen, self._next, now_s)
        self._next += len(chosen)
        return begun

    def _told(self, took: dict[int, int], now_s: float) -> Tracked:
        tracks = self._tracks
        told = tracks.is_known & (tracks.seen_s == now_s) & (tracks.belief >= self._settings.tell)
        seen = tracks.where(told)
        return Tracked(
            seen.number,
            seen.motion.boxes_px.astype(np.float32),
            np.array([took[number] for number in seen.number.tolist()], np.int64),
            seen.votes.argmax(1).astype(np.int64),
        )


def matched(overlap: NDArray[np.float64], least: float) -> tuple[Indices, Indices]:
    """Pairs (row, column) of largest total overlap (N, M), each of at least `least`."""
    from scipy.optimize import linear_sum_assignment

    good = overlap >= least
    row, column = linear_sum_assignment(np.where(good, overlap, 0.0), maximize=True)
    paired = good[row, column]
    return row[paired].astype(np.int64), column[paired].astype(np.int64)


def _votes(found: Detections, chosen: Indices) -> NDArray[np.float64]:
    """(K, classes) scores at the labels."""
    votes = np.zeros((len(chosen), len(found.names)))
    votes[np.arange(len(chosen)), found.labels[chosen]] = found.scores[chosen]
    return votes
