"""Radar over HTTP: a recorded frame of samples goes up, the chain's detections come back."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from fastapi import APIRouter, File, Form, HTTPException, UploadFile
from numpy.lib import format as npy
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import LingnanError
from common.service.queue import Work
from common.service.records import Records
from common.types.radar import CAPACITY, RadarCube
from common.types.stamped import Stamped
from positioning.radar.settings import RadarSettings
from positioning.radar.waveform import RadarError, Waveform

if TYPE_CHECKING:
    from positioning.radar.detections import RadarDetections

FOUND = "positioning.radar"
MOST_BYTES = 16 << 20  # of a frame
MOST_FORM = 4096  # of the waveform's JSON
MOST_HEADER = 1024  # characters that describe the array

Cfar = Literal["ca", "os"]
Positive = Annotated[float, Field(gt=0, lt=1e15, allow_inf_nan=False)]
Antenna = tuple[
    Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)],
    Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)],
]
Antennas = Annotated[tuple[Antenna, ...], Field(min_length=1, max_length=16)]

_DEFAULT = Waveform()


class SentWaveform(BaseModel):
    """The fields of radar.waveform.Waveform, bounded; what is left out is as there."""

    model_config = ConfigDict(extra="forbid")

    carrier_hz: Positive = _DEFAULT.carrier_hz
    slope_hz_per_s: Positive = _DEFAULT.slope_hz_per_s
    sample_rate_hz: Positive = _DEFAULT.sample_rate_hz
    samples: Annotated[int, Field(ge=8, le=1024)] = _DEFAULT.samples
    loops: Annotated[int, Field(ge=8, le=1024)] = _DEFAULT.loops
    chirp_interval_s: Positive = _DEFAULT.chirp_interval_s
    tx: Antennas = _DEFAULT.tx
    rx: Antennas = _DEFAULT.rx


class Detection(BaseModel):
    """One detection in the radar's frame; ground_mps: None where the own motion is not known.
    cluster: -1 for none."""

    range_m: float
    azimuth_rad: float
    elevation_rad: float
    radial_velocity_mps: float
    snr_db: float
    ground_mps: float | None
    is_static: bool
    cluster: int


class RadarFound(BaseModel):
    """detections: the strongest, as many as a frame of points holds; left_out: how many more there
    were. ego_mps: (2,) own velocity, forward and to the left, estimated. disturbed: share of
    samples in which another radar was heard. record: its id among the accepted records."""

    detections: list[Detection]
    left_out: int
    ego_mps: tuple[float, float] | None
    disturbed: float
    record: int = -1


def add_radar(routes: APIRouter) -> None:
    """The route of the radar."""

    @routes.post("/radar")
    async def detect(
        work: Work,
        records: Records,
        cube: Annotated[
            UploadFile, File(description=".npy, int16 (loops, tx, rx, samples, 2), I and Q last")
        ],
        waveform: Annotated[
            str | None, Form(max_length=MOST_FORM, description="JSON; an AWR1843's by default")
        ] = None,
        cfar: Annotated[Cfar, Form()] = "os",
    ) -> RadarFound:
        """Detect in one frame. The answer comes once its record is durable."""
        wave, settings = _waveform(waveform), RadarSettings(cfar=cfar)
        data = await cube.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise HTTPException(413, f"a frame of over {MOST_BYTES >> 20} MiB is not taken")
        found = await work.run("positioning.radar", _detected, data, wave, settings)
        told = {"detections": len(found.detections), "disturbed": found.disturbed}
        found.record = await records.accept(FOUND, told)
        return found


def read_cube(data: bytes) -> RadarCube:
    """The frame in a .npy file. RadarError says what is wrong; nothing is allocated before the
    header's shape is known to be what the data holds."""
    stream = BytesIO(data)
    try:
        if npy.read_magic(stream) != (1, 0):
            raise ValueError("a version of .npy other than 1.0")
        shape, is_fortran, dtype = npy.read_array_header_1_0(stream, max_header_size=MOST_HEADER)
        values = data[stream.tell() :]
        if dtype != np.dtype("<i2") or is_fortran:
            raise ValueError(f"{dtype} is not int16, little-endian and in C order")
        if len(shape) != 5 or _bytes(shape) != len(values):
            raise ValueError(f"a shape of {shape} for {len(values)} bytes")
        return RadarCube(np.frombuffer(values, np.int16).reshape(shape))
    except ValueError as error:
        raise RadarError(f"the radar cube is no frame of samples: {error}") from None


def _bytes(shape: tuple[int, ...]) -> int:
    return int(np.prod(np.array(shape, object))) * 2


def _waveform(text: str | None) -> Waveform:
    try:
        sent = SentWaveform.model_validate_json(text or "{}")
        return Waveform(**sent.model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, ("waveform", *first["loc"])))
        raise HTTPException(422, f"{where}: {first['msg']}") from None
    except LingnanError as error:
        raise HTTPException(422, f"waveform: {error}") from None


def _detected(data: bytes, waveform: Waveform, settings: RadarSettings) -> RadarFound:
    from positioning.radar.pipeline import RadarChain

    try:
        found = (
            RadarChain(waveform, settings).step(Stamped(0, 0, 0, "radar", read_cube(data))).value
        )
    except LingnanError as error:
        raise HTTPException(400, str(error)) from None
    return _told(found)


def _told(found: RadarDetections) -> RadarFound:
    strongest = np.argsort(-found.snr_db, kind="stable")[:CAPACITY].tolist()
    ego = found.ego_mps
    return RadarFound(
        detections=[_one(found, k) for k in strongest],
        left_out=len(found) - len(strongest),
        ego_mps=None if ego is None else (float(ego[0]), float(ego[1])),
        disturbed=found.disturbed,
    )


def _one(found: RadarDetections, k: int) -> Detection:
    ground = float(found.ground_mps[k])
    return Detection(
        range_m=float(found.range_m[k]),
        azimuth_rad=float(found.azimuth_rad[k]),
        elevation_rad=float(found.elevation_rad[k]),
        radial_velocity_mps=float(found.radial_velocity_mps[k]),
        snr_db=float(found.snr_db[k]),
        ground_mps=ground if np.isfinite(ground) else None,
        is_static=bool(found.is_static[k]),
        cluster=int(found.cluster[k]),
    )
