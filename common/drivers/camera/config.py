"""What a camera can be, as data: one model a type, told apart by `type`. Imports no driver."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from common.drivers.base import ConfigError, Delivery
from common.drivers.fields import Fraction, NonNegative, Positive, Side
from common.drivers.simulated.clock import ClockModel
from common.drivers.validation import explain
from common.types.image import MAX_PIXELS


class _Camera(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["camera"] = "camera"
    frame_id: str = Field(default="camera_optical", min_length=1, max_length=200)
    um_per_px: Positive | None = None

    @model_validator(mode="after")
    def _fits_an_image(self) -> Self:
        height, width = (getattr(self, side, None) for side in ("height_px", "width_px"))
        if height and width and height * width > MAX_PIXELS:
            raise ValueError(f"height_px x width_px = {height} x {width} is over {MAX_PIXELS} px")
        return self


class SensorModel(BaseModel):
    """A monochrome area sensor behind a lens, in the terms of EMVA 1288.

    full_well_e: electrons a pixel holds; at 0 dB it lies at the end of the scale.
    read_noise_e: standard deviation per pixel and frame. dark_e_per_s: dark current.
    black_level_dn: offset, digital numbers. bits: 8 gives mono8, 12 gives mono16 (0..4095).
    blur_sigma_px: the lens as a Gaussian, MTF(f) = exp(-2 pi^2 sigma^2 f^2), f in cycles/px.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    full_well_e: Positive = 10_000.0
    read_noise_e: NonNegative = 4.0
    dark_e_per_s: NonNegative = 0.0
    black_level_dn: NonNegative = 2.0
    bits: Literal[8, 12] = 8
    blur_sigma_px: Annotated[float, Field(ge=0, le=20)] = 0.6


class SimCameraConfig(_Camera):
    """A simulated camera that looks at a scene (`common.drivers.camera.scenes`).

    scene: "module:factory" among the allowed ones or the name of a `lingnan.scenes` entry point;
        the factory is called with `parameters` and returns a Scene of height_px x width_px.
    trigger: "free" runs at rate_hz; "hardware" exposes when `trigger(light)` is called.
    lights: free-running, frame n shows trigger n // len(lights) under light n % len(lights).
    realtime: False makes frames as fast as they are read, at the times rate_hz gives them.
    drop_rate: fraction of frames that the camera itself loses.
    """

    type: Literal["sim"] = "sim"
    scene: str = Field(default="common.drivers.camera.scenes:gradient", max_length=300)
    parameters: dict[str, Any] = Field(default_factory=dict)
    height_px: Side = 1024
    width_px: Side = 1024
    rate_hz: Annotated[float, Field(gt=0, le=10_000)] = 30.0
    trigger: Literal["free", "hardware"] = "free"
    lights: tuple[str, ...] = Field(default=("",), min_length=1, max_length=64)
    realtime: bool = True
    exposure_us: Positive = 1000.0
    gain_db: Annotated[float, Field(ge=-20, le=60)] = 0.0
    sensor: SensorModel = SensorModel()
    clock: ClockModel = ClockModel()
    drop_rate: Fraction = 0.0
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def delivery(self) -> Delivery:
        """A free-running live camera keeps the newest; every other frame was asked for."""
        return "newest" if self.realtime and self.trigger == "free" else "every"


class ReplayCameraConfig(_Camera):
    """A recorded camera: an MCAP file with sensor_msgs/msg/Image.

    topic: "" takes the only image topic. pace: "recorded" keeps the intervals, "fast" waits not.
    """

    type: Literal["replay"] = "replay"
    path: Path
    topic: str = Field(default="", max_length=500)
    pace: Literal["recorded", "fast"] = "recorded"


class OpenCvCameraConfig(_Camera):
    """A USB camera (index), a stream (rtsp:// URL) or a video file (path), through OpenCV.

    height_px, width_px: needed for live sources; for a file None takes the file's own.
    rate_hz: None takes the file's own; live sources declare it.
    encoding: "mono8" takes the luminance.
    """

    type: Literal["opencv"] = "opencv"
    source: int | str
    height_px: Side | None = None
    width_px: Side | None = None
    rate_hz: Annotated[float, Field(gt=0, le=10_000)] | None = None
    encoding: Literal["mono8", "bgr8"] = "bgr8"
    exposure_us: Positive | None = None
    pace: Literal["recorded", "fast"] = "fast"


class GenicamCameraConfig(_Camera):
    """An industrial camera (GigE Vision, USB3 Vision) through its GenTL producer.

    producer: path of the maker's .cti file. serial: "" takes the only camera found.
    hardware_trigger: frames come on the trigger line and rate_hz is not watched.
    """

    type: Literal["genicam"] = "genicam"
    producer: Path
    serial: str = Field(default="", max_length=100)
    height_px: Side
    width_px: Side
    rate_hz: Annotated[float, Field(gt=0, le=10_000)] = 30.0
    encoding: Literal["mono8", "mono16"] = "mono8"
    exposure_us: Positive | None = None
    gain_db: float | None = None
    hardware_trigger: bool = False
    light: str = ""


CameraConfig = Annotated[
    SimCameraConfig | ReplayCameraConfig | OpenCvCameraConfig | GenicamCameraConfig,
    Field(discriminator="type"),
]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(CameraConfig)


def parse(
    values: Mapping[str, Any],
) -> SimCameraConfig | ReplayCameraConfig | OpenCvCameraConfig | GenicamCameraConfig:
    """A camera config from plain values. ConfigError names the field that is wrong."""
    try:
        config = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"camera config: {explain(error)}") from error
    return config  # type: ignore[no-any-return]
