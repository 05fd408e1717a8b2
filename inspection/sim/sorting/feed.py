"""Parts as a feeder puts them on the belt: at random gaps, with what can go wrong on a belt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Mishaps:
    """How often a part has one, each on its own.

    missed: the camera's barrier does not see it (dark, transparent). double: it sees it twice
    (a hole, a shiny edge). close: it follows the part before within `Feed.close_mm`. slid: it slips
    by up to `Feed.slide_mm` on the belt, at most until the next part stops it. fallen: it leaves
    the belt before the second barrier.
    """

    missed: float = 0.001
    double: float = 0.001
    close: float = 0.001
    slid: float = 0.001
    fallen: float = 0.0005


@dataclass(frozen=True, slots=True)
class Feed:
    """Distances between heads: `least_mm` plus an exponential of mean `more_mm`.

    slip_mm: standard deviation of every part's slip between the two barriers.
    """

    least_mm: float = 62.0
    more_mm: float = 30.0
    part_mm: float = 20.0
    slip_mm: float = 0.8
    close_mm: float = 50.0
    slide_mm: float = 40.0
    mishaps: Mishaps = Mishaps()


@dataclass(slots=True)
class Part:
    """One part of the feed. head_mm: belt travel at which its head is at the camera's barrier.
    lag_mm: how far it has slipped back when it is at the second barrier and beyond.
    camera, second: (start, end) of belt travel in which it covers each barrier.
    """

    number: int
    head_mm: float
    lag_mm: float
    camera: list[tuple[float, float]]
    second: list[tuple[float, float]]
    fallen: bool = False
    lane: int | None = None  # where it landed, 0 is the belt's end


class Parts:
    """The endless feed; the same seed gives the same parts whatever is done with them."""

    def __init__(self, feed: Feed, second_mm: float, seed: int) -> None:
        self._feed, self._second_mm = feed, second_mm
        self._rng = np.random.default_rng([seed, 17])

    def __iter__(self) -> Iterator[Part]:
        feed, rng = self._feed, self._rng
        number, head, tail_of_last = 0, feed.least_mm, -np.inf
        follows = self._gap()
        while True:
            gap, follows = follows, self._gap()
            head += gap if number else 0.0
            lag = float(rng.normal(0.0, feed.slip_mm))
            if self._happens(feed.mishaps.slid):
                lag = float(rng.uniform(0.0, feed.slide_mm))
            lag = min(lag, follows - feed.part_mm)  # the next part stops it
            lag = max(lag, tail_of_last - head)  # and it stands behind the last
            tail_of_last = head + lag + feed.part_mm
            yield self._part(number, head, lag)
            number += 1

    def _gap(self) -> float:
        feed, rng = self._feed, self._rng
        gap = feed.least_mm + float(rng.exponential(feed.more_mm))
        close = float(rng.uniform(feed.part_mm, feed.close_mm))
        return close if self._happens(feed.mishaps.close) else gap

    def _happens(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def _part(self, number: int, head: float, lag: float) -> Part:
        feed, mishaps = self._feed, self._feed.mishaps
        camera = [(head, head + feed.part_mm)]
        missed, double, fallen = map(
            self._happens, (mishaps.missed, mishaps.double, mishaps.fallen)
        )
        if double:
            camera = [(head, head + 5.0), (head + 9.0, head + feed.part_mm)]
        at = head + lag + self._second_mm
        second = [] if fallen else [(at, at + feed.part_mm)]
        return Part(number, head, lag, [] if missed else camera, second, fallen)
