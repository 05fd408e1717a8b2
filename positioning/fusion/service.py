"""Fusion over HTTP: recorded detections of radar and camera go up, tracks come back."""

from __future__ import annotations

from time import monotonic
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, HTTPException
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from common.service.queue import Work
from common.service.records import Records
from common.types.detections import Detections
from positioning.fusion.body import size_m
from positioning.fusion.curve import Odometry
from positioning.fusion.pipeline import Fusion
from positioning.fusion.scan import KINDS
from positioning.video.camera import Camera

FOLLOWED = "positioning.fusion"
MOST_SCANS, MOST_POSES, MOST_FOUND = 2000, 4000, 64
LONGEST_S = 300.0
WORK_S = 20.0  # what is noise alone begins tracks without end

Kind = Literal["vehicle", "cyclist", "pedestrian"]
Metres = Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=4e9, allow_inf_nan=False)]
Angle = Annotated[float, Field(ge=-np.pi, le=np.pi, allow_inf_nan=False)]
Speed = Annotated[float, Field(ge=-150, le=150, allow_inf_nan=False)]
Pixels = Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)]
Range = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RadarScan(_Strict):
    """polar: range m, azimuth rad (positive to the left), range rate m/s of each detection."""

    sensor: Literal["radar"]
    time_s: Seconds
    polar: Annotated[list[tuple[Range, Angle, Speed]], Field(max_length=MOST_FOUND)]


def _upright(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    if box[2] <= box[0] or box[3] <= box[1]:
        raise ValueError("x0 y0 x1 y1 with x1 > x0 and y1 > y0")
    return box


class Box(_Strict):
    """box_px: x0, y0, x1, y1, edges exclusive. score: 0 to 1."""

    box_px: Annotated[tuple[Pixels, Pixels, Pixels, Pixels], AfterValidator(_upright)]
    score: Annotated[float, Field(ge=0, le=1)]
    kind: Kind


class CameraScan(_Strict):
    """time_s: of the camera's own clock, which may be off the radar's."""

    sensor: Literal["camera"]
    time_s: Seconds
    boxes: Annotated[list[Box], Field(max_length=MOST_FOUND)]


class Pose(_Strict):
    """Where the carrier was and how it moved, in a level frame fixed to the ground; by the radar's
    clock."""

    time_s: Seconds
    x_m: Metres
    y_m: Metres
    yaw_rad: Angle
    vx_mps: Speed
    vy_mps: Speed


class Mount(_Strict):
    """The fields of video.camera.Camera."""

    width_px: Annotated[int, Field(ge=8, le=16_384)] = 1920
    height_px: Annotated[int, Field(ge=8, le=16_384)] = 1080
    focal_px: Annotated[float, Field(gt=1, le=1e5)] = 1400.0
    mount_m: tuple[Metres, Metres, Annotated[float, Field(gt=0, le=100)]] = (0.0, 0.0, 1.5)
    yaw_rad: Angle = 0.0
    pitch_rad: Angle = 0.03


class Recording(_Strict):
    """scans: in the order in which they came. poses: in the order of time; without any the carrier
    stands in the origin. camera: how it is mounted."""

    scans: Annotated[
        list[Annotated[RadarScan | CameraScan, Field(discriminator="sensor")]],
        Field(min_length=1, max_length=MOST_SCANS),
    ]
    poses: Annotated[list[Pose], Field(max_length=MOST_POSES)] = []
    camera: Mount = Mount()


class Track(BaseModel):
    """A road user at the end of the recording, in the frame of the poses. length_m, width_m,
    height_m: as far as they are known. existence: probability that there is something."""

    number: int
    kind: str
    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    length_m: float
    width_m: float
    height_m: float
    existence: float


class Followed(BaseModel):
    """tracks: at time_s of the radar's clock. camera_offset_s: its stamps minus that clock, as
    estimated, with its standard deviation. late, refused: scans out of order, and too late. record:
    its id among the accepted records."""

    time_s: float
    tracks: list[Track]
    camera_offset_s: float
    camera_offset_sigma_s: float
    late: int
    refused: int
    record: int = -1


def add_fusion(routes: APIRouter) -> None:
    """The route of the fusion."""

    @routes.post("/fusion")
    async def follow(work: Work, records: Records, recording: Recording) -> Followed:
        """Follow what a radar and a camera saw. The answer comes once its record is durable."""
        _check(recording)
        done = await work.run("positioning.fusion", _followed, recording)
        told = {"time_s": done.time_s, "tracks": len(done.tracks), "scans": len(recording.scans)}
        done.record = await records.accept(FOLLOWED, told)
        return done


def _check(recording: Recording) -> None:
    """422 for times that no recording has."""
    times = [scan.time_s for scan in recording.scans]
    if max(times) - min(times) > LONGEST_S:
        raise HTTPException(422, f"scans: over {LONGEST_S:g} s from the first to the last")
    if np.any(np.diff([pose.time_s for pose in recording.poses]) <= 0):
        raise HTTPException(422, "poses: a time_s that is not after the one before")


def _followed(recording: Recording) -> Followed:
    fusion = Fusion(Camera(**recording.camera.model_dump()), _odometry(recording.poses))
    until = monotonic() + WORK_S
    for scan in recording.scans:
        if monotonic() > until:
            raise HTTPException(422, f"scans: not followed in {WORK_S:g} s; send fewer")
        if isinstance(scan, RadarScan):
            fusion.radar(scan.time_s, np.array(scan.polar, np.float64).reshape(-1, 3))
        else:
            fusion.camera(scan.time_s, _detections(scan))
    newest = fusion.replay.tracks
    assert newest is not None  # there is a scan, and the first is never too late
    tracks, states = fusion.tracks(newest.time_s)
    known = fusion.alignment
    return Followed(
        time_s=newest.time_s,
        tracks=[
            _track(int(number), int(kind), state, float(existence))
            for number, kind, state, existence in zip(
                tracks.number, tracks.kind, states, tracks.existence, strict=True
            )
        ],
        camera_offset_s=known.offset_at(newest.time_s),
        camera_offset_sigma_s=known.sigma[0],
        late=fusion.replay.late,
        refused=fusion.replay.refused,
    )


def _odometry(poses: list[Pose]) -> Odometry:
    """Between poses in a straight line; before the first and after the last as there."""
    if not poses:
        return lambda time_s: np.zeros((len(time_s), 5))
    known = np.array([[p.x_m, p.y_m, p.yaw_rad, p.vx_mps, p.vy_mps] for p in poses])
    known[:, 2] = np.unwrap(known[:, 2])
    at = np.array([p.time_s for p in poses])

    def pose(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([np.interp(time_s, at, column) for column in known.T], axis=1)

    return pose


def _detections(scan: CameraScan) -> Detections:
    return Detections(
        np.array([box.box_px for box in scan.boxes], np.float32).reshape(-1, 4),
        np.array([box.score for box in scan.boxes], np.float32),
        np.array([KINDS.index(box.kind) for box in scan.boxes], np.int64),
        KINDS,
    )


def _track(number: int, kind: int, state: NDArray[np.float64], existence: float) -> Track:
    half_length, half_width, height = size_m(state).tolist()
    return Track(
        number=number,
        kind=(*KINDS, "unknown")[kind],
        x_m=float(state[0]),
        y_m=float(state[1]),
        vx_mps=float(state[2]),
        vy_mps=float(state[3]),
        length_m=2 * half_length,
        width_m=2 * half_width,
        height_m=height,
        existence=existence,
    )
