"""USB cameras, network streams and video files through OpenCV."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from common.drivers.base import ConfigError, DisconnectedError, DriverSpec, EndOfStreamError
from common.drivers.camera.config import OpenCvCameraConfig
from common.drivers.camera.view import pixels
from common.drivers.stream import RawSample, StreamDriver
from common.drivers.validation import explain
from common.types.image import Image

SCHEMES = ("rtsp", "rtsps")
NETWORK_TIMEOUT_MS = 2000
LOG_LEVEL_SILENT = 0


class OpenCvCamera(StreamDriver[Image]):
    """A camera, stream or file. ConfigError when what the config leaves open cannot be found out.

    A file gives every frame, then EndOfStreamError; a live source keeps the newest. OpenCV knows
    no device clock: the host's stands in, and a file's own times for a file.
    """

    Config: ClassVar[type[OpenCvCameraConfig]] = OpenCvCameraConfig

    def __init__(self, config: OpenCvCameraConfig) -> None:
        is_file = isinstance(config.source, str) and not _is_url(config.source)
        if is_file:
            config = _completed(config)
        if config.height_px is None or config.width_px is None or config.rate_hz is None:
            raise ConfigError(
                f"{config.source!r} is live: its config must give height_px, width_px and rate_hz"
            )
        size = (config.height_px, config.width_px)
        spec = DriverSpec(
            kind="camera",
            type="opencv",
            frame_id=config.frame_id,
            shape=size if config.encoding == "mono8" else (*size, 3),
            dtype="uint8",
            rate_hz=config.rate_hz,
            unit="DN",
            delivery="every" if is_file else "newest",
        )
        self._source = OpenCvBackend(config, is_file=is_file)
        super().__init__(spec, self._source, pixels)

    def open(self) -> None:
        """A file starts from its first frame."""
        if not self.is_open:
            self._source.rewind()
        super().open()


class OpenCvBackend:
    """cv2.VideoCapture; a file goes on after a reconnection, a live source counts from 0."""

    def __init__(self, config: OpenCvCameraConfig, *, is_file: bool) -> None:
        self._config = config
        self._is_file = is_file
        self._capture: Any = None
        self._counter = 0
        self._time_ns = -1
        self._started = 0.0

    def rewind(self) -> None:
        """Start from the first frame."""
        self._release()
        self._counter = 0
        self._time_ns = -1

    def connect(self) -> None:
        """Open the source and ask for the declared size. DisconnectedError when it is not there."""
        if self._capture is not None and self._is_file:
            return
        self._capture = _capture(self._config.source)
        self._counter = 0
        self._started = time.monotonic()
        if not self._is_file:
            self._request()

    def disconnect(self) -> None:
        """Release a live source; a file keeps its place until it is rewound."""
        if not self._is_file:
            self._release()

    def grab(self, timeout_s: float) -> RawSample[Image] | None:
        """The next frame; waits as long as OpenCV does, for a live source."""
        if self._is_file and not self._is_due(timeout_s):
            return None
        ok, frame = self._capture.read()
        if not ok:
            raise self._lost()
        counter, self._counter = self._counter, self._counter + 1
        self._time_ns = self._file_time_ns() if self._is_file else time.monotonic_ns()
        return RawSample(counter, self._time_ns, self._image(frame))

    def _file_time_ns(self) -> int:
        """The frame's own time; where the file gives none that rises, one period on."""
        own_ns = int(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        if own_ns > self._time_ns:
            return own_ns
        return self._time_ns + int(1e9 / (self._config.rate_hz or 1.0))

    def _is_due(self, timeout_s: float) -> bool:
        if self._config.pace == "fast" or self._config.rate_hz is None:
            return True
        wait_s = self._started + self._counter / self._config.rate_hz - time.monotonic()
        time.sleep(min(max(wait_s, 0.0), timeout_s))
        return wait_s <= timeout_s

    def _lost(self) -> DisconnectedError | EndOfStreamError:
        if self._is_file:
            return EndOfStreamError(f"{self._config.source}: end of the video")
        return DisconnectedError(f"{self._config.source}: the source gave no frame")

    def _image(self, frame: NDArray[Any]) -> Image:
        config = self._config
        if config.encoding == "mono8" and frame.ndim == 3:
            frame = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        elif config.encoding == "bgr8" and frame.ndim == 2:
            frame = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
        return Image(
            np.ascontiguousarray(frame),
            config.encoding,
            um_per_px=config.um_per_px,
            exposure_us=config.exposure_us,
        )

    def _request(self) -> None:
        """Ask for size, rate and exposure; a frame of another size is refused when it comes."""
        config = self._config
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height_px)
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width_px)
        self._capture.set(cv2.CAP_PROP_FPS, config.rate_hz)
        if config.exposure_us is not None:
            self._capture.set(cv2.CAP_PROP_EXPOSURE, config.exposure_us)

    def _release(self) -> None:
        if self._capture is not None:
            self._capture.release()
        self._capture = None


def _is_url(source: str) -> bool:
    """Whether it is a stream; ConfigError for a scheme that is not one of SCHEMES."""
    if "://" not in source:
        return False
    if urlsplit(source).scheme not in SCHEMES:
        raise ConfigError(f"{source!r}: only {', '.join(SCHEMES)} streams, an index or a file")
    return True


def _completed(config: OpenCvCameraConfig) -> OpenCvCameraConfig:
    """The config of a file with the file's own size and rate where none is given."""
    path = Path(str(config.source))
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such video file")
    try:
        capture = _capture(str(path))
    except DisconnectedError as error:
        raise ConfigError(f"{path}: not a video that OpenCV can read") from error
    height, width = (
        int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
    )
    rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
    capture.release()
    if (config.height_px or height, config.width_px or width) != (height, width):
        declared = f"{config.height_px} x {config.width_px}"
        raise ConfigError(f"{path} has frames of {height} x {width} px, the config says {declared}")
    found = {"height_px": height, "width_px": width, "rate_hz": config.rate_hz or rate_hz}
    try:
        return OpenCvCameraConfig.model_validate({**config.model_dump(), **found})
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error)}") from error


def _capture(source: int | str) -> Any:
    if isinstance(source, str) and "://" not in source:
        capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG)
    elif isinstance(source, str):
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS,
        ]  # fmt: skip
        capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, limits)
    else:
        capture = cv2.VideoCapture(source)
    if not capture.isOpened():
        raise DisconnectedError(f"{source}: OpenCV cannot open it")
    return capture
