"""An image as a camera delivers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Encoding = Literal["mono8", "mono16", "bgr8", "rgb8", "32FC1"]

# encoding -> (dtype, channels); the names are those of ROS sensor_msgs/Image
ENCODINGS: dict[str, tuple[type[np.generic], int]] = {
    "mono8": (np.uint8, 1),
    "mono16": (np.uint16, 1),
    "bgr8": (np.uint8, 3),
    "rgb8": (np.uint8, 3),
    "32FC1": (np.float32, 1),
}

MAX_PIXELS = (
    40_000_000  # above any line or area sensor here; bounds what untrusted input may ask for
)


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels with their meaning.

    pixels: (height, width) for one channel, (height, width, 3) for three; C-contiguous,
        dtype as the encoding names it.
    um_per_px: edge of a pixel on the part in micrometres, where the optics are calibrated.
    light: name of the strobe that lit this exposure; "" where the light is not controlled.
    trigger: number of the hardware trigger (one part or one encoder position) that this
        exposure belongs to; several lights share one trigger.
    exposure_us, gain_db: as set on the device.
    """

    pixels: NDArray[Any]
    encoding: Encoding = "mono8"
    um_per_px: float | None = None
    light: str = ""
    trigger: int | None = None
    exposure_us: float | None = None
    gain_db: float | None = None

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise ValueError(f"unknown encoding {self.encoding!r}; known: {', '.join(ENCODINGS)}")
        dtype, channels = ENCODINGS[self.encoding]
        shape = self.pixels.shape
        wanted = "(height, width)" if channels == 1 else f"(height, width, {channels})"
        if len(shape) != (2 if channels == 1 else 3) or (channels > 1 and shape[2] != channels):
            raise ValueError(f"{self.encoding} needs pixels {wanted}, got {shape}")
        if self.pixels.dtype != dtype:
            raise ValueError(f"{self.encoding} needs {np.dtype(dtype)}, got {self.pixels.dtype}")
        if not 0 < shape[0] * shape[1] <= MAX_PIXELS:
            raise ValueError(
                f"image of {shape[0]} x {shape[1]} px is empty or over {MAX_PIXELS} px"
            )
        if not self.pixels.flags.c_contiguous:
            raise ValueError("pixels must be C-contiguous (numpy.ascontiguousarray)")
        if self.um_per_px is not None and not self.um_per_px > 0:
            raise ValueError(f"um_per_px must be > 0, got {self.um_per_px}")

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])
