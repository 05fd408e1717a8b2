"""S4-D3-R4 on a recorded drive: a car's own radar (comma2k19), and our tracker on what it tells.

The radar sends what its maker's tracker made of its echoes: those are our detections. Nobody knows
where the other cars were, so what is judged is whether the numbers agree with each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, resampled
from common.acceptance.resampling import bootstrap

if TYPE_CHECKING:
    from positioning.fusion.curve import Odometry
    from positioning.radar.formats.comma2k19 import RadarTracks

Floats = NDArray[np.float64]

SEGMENT = "comma2k19/Example_1/b0c9d2329ad1606b_2018-08-02--08-34-47/40"
FILES = ("processed_log/CAN/radar", "processed_log/CAN/speed", "global_pose")
CYCLE_S = 0.02  # reports closer in time are of one look
BLOCK_S = 5.0  # what is drawn for the bounds: reports of one second are not independent
PIECE = 11  # reports, half a second, through which a line gives how the range changes
STANDS_MPS = 1.5  # by the car's own speed, what is slower than that over ground stands
CHI2_95 = 7.815  # of three degrees of freedom
GUIDE = "低功耗多模态感算一体：雷达与视频融合"


@dataclass(frozen=True, slots=True, eq=False)
class _Values:
    """Of every sample its time and a value."""

    time_s: Floats
    value: Floats

    def measured(self, statistic: str, digest: str, note: str, *shown: Plot) -> Measurement:
        """Its mean, or its root mean square, with bounds over blocks of BLOCK_S."""
        values = self.value**2 if statistic == "rms" else self.value
        finish = np.sqrt if statistic == "rms" else float
        blocks = (self.time_s // BLOCK_S).astype(np.int64)

        def value(index: NDArray[np.int64]) -> float:
            return float(finish(values[index].mean()))

        bounds = bootstrap(value, len(values), seed=1, resamples=500, clusters=blocks)
        count = len(np.unique(blocks))
        note = f"{len(values)} values in {count} blocks of {BLOCK_S:.0f} s; {note}"
        return resampled(value(np.arange(len(values))), bounds, count, digest, note, shown)


def measure(context: Context) -> Mapping[str, Measurement]:
    """All rows of the drive; the drive is short, so both sizes take all of it."""
    from positioning.radar.formats import comma2k19

    segment = None if context.data_root is None else context.data_root / SEGMENT
    if segment is None or not segment.is_dir():
        return {row.id: not_measured("the data set comma2k19 is absent") for row in ROWS}
    reports, (can_s, can_mps) = comma2k19.radar(segment), comma2k19.speed(segment)
    digest = context.data_hash([p for n in FILES for p in sorted((segment / n).iterdir())])
    drive = odometry(segment)
    rates = range_rates(reports)
    own = own_speeds(reports, np.interp(reports.time_s, can_s, can_mps))
    pose = np.linalg.norm(drive(own.time_s)[:, 3:5], axis=1)
    off = _Values(own.time_s, own.value - pose)
    can_off = np.interp(own.time_s, can_s, can_mps) - pose
    fits = innovations(reports, drive)
    times = own.time_s - own.time_s[0]
    speeds = Plot(
        "Speed of the carrier, comma2k19", "time [s]", "speed [m/s]",
        (Series("pose", times, pose), Series("radar, of what stands", times, own.value,
                                             kind="points")),
    )  # fmt: skip
    middle = np.median(np.abs(rates.value))
    return {
        RATE.id: rates.measured("rms", digest, f"half of them are within {middle:.2f} m/s"),
        OWN.id: off.measured(
            "rms", digest,
            f"on average {off.value.mean():+.2f} m/s; the wheels' speed {can_off.mean():+.2f} m/s",
            speeds,
        ),
        FITS.id: _Values(fits.time_s, fits.value / 3).measured(
            "mean", digest, f"{np.mean(fits.value < CHI2_95):.1%} within the gate of 95 %"
        ),
    }  # fmt: skip


def odometry(segment: Path) -> Odometry:
    """The carrier's pose in a level frame, along its way, from the publishers' global pose."""
    from positioning.gnss import geodesy
    from positioning.radar.formats import comma2k19

    time, place, velocity = comma2k19.pose(segment)
    latitude, longitude, _ = geodesy.to_geodetic(place[0])
    axes = geodesy.enu_axes(latitude, longitude)[:2]
    at, drift = (place - place[0]) @ axes.T, velocity @ axes.T
    heading = np.unwrap(np.arctan2(drift[:, 1], drift[:, 0]))
    table = np.column_stack([at, heading, drift])
    return lambda times: np.stack([np.interp(times, time, column) for column in table.T], axis=1)


def range_rates(reports: RadarTracks) -> _Values:
    """Slope of the range over half a second, less the mean of the rates that were told (m/s)."""
    distance = np.hypot(reports.ahead_m, reports.left_m)
    times, off = [], []
    for address in np.unique(reports.address):
        at = np.flatnonzero(reports.address == address)
        gone = np.diff(reports.time_s[at], prepend=reports.time_s[at[0]]) > 0.15
        for part in np.split(at, np.flatnonzero(reports.is_new[at] | gone)):
            for begin in range(0, len(part) - PIECE + 1, PIECE):
                some = part[begin : begin + PIECE]
                since = reports.time_s[some] - reports.time_s[some].mean()
                slope = since @ distance[some] / (since @ since)
                times.append(reports.time_s[some].mean())
                off.append(slope - reports.relative_mps[some].mean())
    return _Values(np.array(times), np.array(off))


def own_speeds(reports: RadarTracks, can_mps: Floats) -> _Values:
    """The carrier's speed at every look by the median of what stands; can_mps (N,): the wheels'
    speed at each report, which only says what stands."""
    azimuth = np.arctan2(reports.left_m, reports.ahead_m)
    speed = -reports.relative_mps / np.cos(azimuth)
    stands = np.abs(speed - can_mps) < STANDS_MPS
    times, speed = reports.time_s[stands], speed[stands]
    looks = np.split(np.arange(len(times)), _begins(times))
    return _Values(
        np.array([times[look[0]] for look in looks]),
        np.array([np.median(speed[look]) for look in looks]),
    )


def _begins(time_s: Floats) -> NDArray[np.intp]:
    """Where a new look begins, without the first."""
    begins: NDArray[np.intp] = np.flatnonzero(np.diff(time_s) > CYCLE_S) + 1
    return begins


def innovations(reports: RadarTracks, drive: Odometry) -> _Values:
    """Of our tracker on the reports: normalised innovations squared of sure tracks."""
    from positioning.fusion.existence import Sensing
    from positioning.fusion.scan import Pose, radar_scan
    from positioning.fusion.tracker import Settings, Tracker
    from positioning.fusion.tracks import Tracks

    far = Sensing(0.9, 0.5, 0.3, half_field_rad=0.5, reach_m=200.0)
    tracker, tracks = Tracker(Settings(sensors={"radar": far})), Tracks.none(reports.time_s[0])
    azimuth = np.arctan2(reports.left_m, reports.ahead_m)
    distance = np.hypot(reports.ahead_m, reports.left_m)
    polar = np.stack([distance, azimuth, reports.relative_mps], axis=1)
    times: list[float] = []
    found: list[float] = []
    for look in np.split(np.arange(len(polar)), _begins(reports.time_s)):
        time = float(reports.time_s[look].mean())
        pose = Pose(*drive(np.array([time]))[0].tolist())
        outcome = tracker.step(tracks, radar_scan(time, pose, polar[look]))
        tracks = outcome.tracks
        found += outcome.nis[outcome.sure].tolist()
        times += [time] * int(outcome.sure.sum())
    return _Values(np.array(times), np.array(found))


_DRIVE = "A minute on a motorway (comma2k19, 16 tracks of a series radar, 20 times a second)"
RATE = Indicator(
    "S4-D3-R4/recorded-range-rate",
    "The range rates of a car's radar agree with how its ranges change within 0.5 m/s (RMS).",
    GUIDE, "m/s", "<=", 0.5, "public-data",
    f"{_DRIVE}: the slope of half a second of ranges, told to 4 cm, less the mean rate told. "
    "The target is a round number set when this drive's value had been seen.",
)  # fmt: skip
OWN = Indicator(
    "S4-D3-R4/recorded-own-speed",
    "By what stands the radar knows the car's speed within 0.3 m/s (RMS).",
    GUIDE, "m/s", "<=", 0.3, "public-data",
    f"{_DRIVE}: median over what stands in a look, against the publishers' global pose; the wheels "
    f"say what stands, to {STANDS_MPS} m/s. The target is a round number set when this drive's "
    "value had been seen.",
)  # fmt: skip
FITS = Indicator(
    "S4-D3-R4/recorded-innovations",
    "Our tracker on a car's radar is not surer than it may be: innovations as large as expected.",
    GUIDE, "ratio", "<=", 1.0, "public-data",
    f"{_DRIVE}: our tracker on its reports; squared innovations of sure tracks over their "
    "covariance, over three degrees of freedom. The radar's own filter smooths, so they are "
    "smaller than those of raw echoes.",
)  # fmt: skip
ROWS = (RATE, OWN, FITS)

EXPERIMENTS = (Experiment("recorded-radar", ROWS, measure),)
