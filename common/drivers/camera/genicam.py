"""Industrial cameras (GigE Vision, USB3 Vision, CoaXPress) through GenTL and harvesters."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from common.drivers.base import ConfigError, DisconnectedError, DriverSpec
from common.drivers.camera.config import GenicamCameraConfig
from common.drivers.camera.view import pixels
from common.drivers.stream import RawSample, StreamDriver
from common.errors import MissingExtraError
from common.types.image import ENCODINGS, Image

# standard feature names of the GenICam SFNC 2.7
PIXEL_FORMATS = {"mono8": "Mono8", "mono16": "Mono12"}


class GenicamCamera(StreamDriver[Image]):
    """A GenICam camera. MissingExtraError without harvesters, ConfigError without a producer."""

    Config: ClassVar[type[GenicamCameraConfig]] = GenicamCameraConfig

    def __init__(self, config: GenicamCameraConfig) -> None:
        spec = DriverSpec(
            kind="camera",
            type="genicam",
            frame_id=config.frame_id,
            shape=(config.height_px, config.width_px),
            dtype=np.dtype(ENCODINGS[config.encoding][0]).name,
            rate_hz=None if config.hardware_trigger else config.rate_hz,
            unit="DN",
        )
        super().__init__(spec, GenicamBackend(config), pixels)


class GenicamBackend:
    """One camera behind the maker's GenTL producer; its block ids and time stamps are kept."""

    def __init__(self, config: GenicamCameraConfig) -> None:
        self._config = config
        self._harvester_class = _harvester_class()
        if config.producer.suffix != ".cti" or not config.producer.is_file():
            raise ConfigError(
                f"{config.producer}: no such GenTL producer; give the .cti file that came with "
                "the camera maker's software (often listed in GENICAM_GENTL64_PATH)"
            )
        self._harvester: Any = None
        self._acquirer: Any = None

    def connect(self) -> None:
        """Find the camera, set it up and start it. DisconnectedError when it is not there."""
        self._harvester = self._harvester_class()
        self._harvester.add_file(str(self._config.producer))
        self._harvester.update()
        which = {"serial_number": self._config.serial} if self._config.serial else 0
        try:
            self._acquirer = self._harvester.create(which)
        except (ValueError, IndexError) as error:
            named = self._config.serial or "any serial"
            raise DisconnectedError(
                f"no camera ({named}) behind {self._config.producer}"
            ) from error
        self._configure(self._acquirer.remote_device.node_map)
        self._acquirer.start()

    def disconnect(self) -> None:
        """Stop the camera and let go of the producer."""
        acquirer, self._acquirer = self._acquirer, None
        harvester, self._harvester = self._harvester, None
        if acquirer is not None:
            acquirer.destroy()
        if harvester is not None:
            harvester.reset()

    def grab(self, timeout_s: float) -> RawSample[Image] | None:
        """The next frame; a copy, since the producer takes its buffer back."""
        buffer = self._acquirer.try_fetch(timeout=timeout_s)
        if buffer is None:
            return None
        with buffer:
            part = buffer.payload.components[0]
            dtype = ENCODINGS[self._config.encoding][0]
            frame = part.data.reshape(part.height, part.width).astype(dtype, copy=True)
            return RawSample(
                int(buffer.module.frame_id), int(buffer.timestamp_ns), self._image(frame)
            )

    def _image(self, frame: Any) -> Image:
        config = self._config
        return Image(
            frame,
            config.encoding,
            um_per_px=config.um_per_px,
            light=config.light,
            exposure_us=config.exposure_us,
            gain_db=config.gain_db,
        )

    def _configure(self, nodes: Any) -> None:
        config = self._config
        nodes.Width.value = config.width_px
        nodes.Height.value = config.height_px
        nodes.PixelFormat.value = PIXEL_FORMATS[config.encoding]
        if config.exposure_us is not None:
            nodes.ExposureTime.value = config.exposure_us
        if config.gain_db is not None:
            nodes.Gain.value = config.gain_db
        nodes.TriggerMode.value = "On" if config.hardware_trigger else "Off"
        if not config.hardware_trigger:
            nodes.AcquisitionFrameRate.value = config.rate_hz


def _harvester_class() -> Any:
    try:
        from harvesters.core import Harvester
    except ImportError as error:
        raise MissingExtraError("harvesters", "genicam") from error
    return Harvester
