"""From raw observations to a place, an epoch at a time. Pure: no I/O, no clock; one recording, one
result.

Broadcast messages come in the epochs' own frames, or are known beforehand. Beside a base's epochs
each is solved by double differences, weighed by learned variances, and integer ambiguities (RTK);
without one, or while RTK has no answer, by codes and Dopplers of the last half minute, robustly
(single point in real time).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.types.gnss import GnssEpoch
from common.types.stamped import Stamped
from positioning.gnss.formats.epochs import observations
from positioning.gnss.formats.ubx import FrameCollector
from positioning.gnss.navigation import NavigationMessages, merged
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.pipeline import Rtk
from positioning.gnss.single.lag import Followed, Follower
from positioning.gnss.single.measurements import Measurements, prepare
from positioning.gnss.single.settings import Settings
from positioning.gnss.solution import Quality
from positioning.gnss.variance.network import Variances

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where the antenna was at one epoch; Quality.NONE has NaN everywhere.

    week, tow_s: GPS time by the receiver's clock. position_m: (3,) ECEF. covariance_m2: (3, 3).
    velocity_mps: (3,) ECEF; velocity_covariance: (3, 3) of it, (m/s)^2; NaN where not told.
    satellites: used. age_s: of the base's data, NaN without.
    """

    week: int
    tow_s: float
    position_m: F64
    covariance_m2: F64
    velocity_mps: F64
    quality: Quality
    satellites: int
    age_s: float = float("nan")
    velocity_covariance: F64 = field(default_factory=lambda: np.full((3, 3), np.nan))


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A receiver that stands still at a known place (3,) ECEF, and all that it observed."""

    observations: Observations
    position_m: F64


class Pipeline:
    """Feed it epochs by `step`, in order."""

    def __init__(
        self,
        messages: NavigationMessages | None = None,
        base: Base | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._messages = messages
        self._orbits = BroadcastOrbits(messages) if messages else None
        self._collector: FrameCollector | None = None
        self._follower = Follower(settings)
        self._base = base
        self._rtk: Rtk | None = None
        self._variances: Variances | None = None
        self._fed = 0
        self._last: GnssEpoch | None = None

    def step(self, sample: Stamped[GnssEpoch]) -> Stamped[Place]:
        """The place at one epoch, from it and those before; ValueError where it is not after the
        one before."""
        epoch = sample.value
        if self._last is not None and epoch.time_ns <= self._last.time_ns:
            raise ValueError(f"the epoch at {epoch.tow_s} s is not after the one before")
        self._listen(epoch)
        if not epoch.week or not epoch.count or self._orbits is None:
            return sample.with_value(nowhere(epoch))
        observed = self._observed(epoch)
        rows = prepare(observed, self._orbits, self._orbits.messages.glonass_channels())
        follows = self._follower.add(rows, self._orbits.messages.klobuchar())
        place = self._relative(observed, self._orbits)
        if place is None and follows:
            place = _alone(epoch, rows, self._follower.tell())
        return sample.with_value(place or nowhere(epoch))

    def _listen(self, epoch: GnssEpoch) -> None:
        """Ephemerides out of the epoch's frames."""
        if not epoch.navigation:
            return
        if self._collector is None:
            self._collector = FrameCollector(epoch.week)
        before = len(self._collector)
        for frame in epoch.navigation:
            try:
                self._collector.add(frame)
            except ValueError:
                continue  # a frame that makes no sense tells nothing
        if len(self._collector) > before:
            known = [self._messages] if self._messages else []
            self._orbits = BroadcastOrbits(merged([*known, self._collector.messages()]))
            self._rtk = None  # begins anew with the orbits that are now known

    def _observed(self, epoch: GnssEpoch) -> Observations:
        """Arrays of one epoch; slips are told against the one before."""
        pair = [self._last, epoch] if self._last is not None else [epoch]
        self._last = epoch
        arrays = observations(pair)
        return arrays.epochs(len(pair) - 1, len(pair))

    def _relative(self, observed: Observations, orbits: BroadcastOrbits) -> Place | None:
        """Beside the base; None without one, and where RTK has no answer."""
        if self._base is None:
            return None
        if self._rtk is None or self._variances is None:
            self._rtk, self._variances = Rtk(orbits, self._base.position_m), Variances(orbits)
        base = self._base.observations
        until = _epochs_until(base, int(observed.week[0]), float(observed.tow_s[0]))
        since = base.epochs(self._fed, max(until, self._fed))
        found = self._rtk.step(observed, since, self._variances.step(observed))
        self._fed = max(until, self._fed)
        if found.quality is Quality.NONE:
            return None
        return Place(
            found.week,
            found.tow_s,
            found.position_m,
            found.covariance_m2,
            np.full(3, np.nan),
            found.quality,
            found.satellites,
            found.age_s,
        )


_BELIEVED = 0.25
_SAME_EPOCH_S = 0.05  # receivers steer their clocks to the nominal epoch better than this


def nowhere(epoch: GnssEpoch) -> Place:
    """An epoch without a place."""
    blank = np.full(3, np.nan), np.full((3, 3), np.nan), np.full(3, np.nan)
    return Place(epoch.week, epoch.tow_s, *blank, Quality.NONE, 0)


def _alone(epoch: GnssEpoch, rows: Measurements, found: Followed) -> Place:
    """What the window tells of its last epoch."""
    quality = Quality.SINGLE if len(rows.satellite) else Quality.DEAD_RECKONING
    used = int((found.weight > _BELIEVED).sum())
    place, spread, velocity = found.position_m, found.covariance_m2, found.velocity_mps
    known = found.velocity_covariance
    return Place(
        epoch.week, epoch.tow_s, place, spread, velocity, quality, used, velocity_covariance=known
    )


def _epochs_until(base: Observations, week: int, tow_s: float) -> int:
    """How many of the base's epochs are not later."""
    since_s = (base.week - week) * 604_800.0 + base.tow_s - tow_s
    return int(np.searchsorted(since_s, _SAME_EPOCH_S, side="right"))
