"""Frames of a recording, as the program on the board takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import EndOfStreamError
from common.drivers.camera.config import ReplayCameraConfig
from common.drivers.registry import open_driver
from common.types.image import Image
from edge_deploy.errors import EdgeError

MOST_FRAMES = 10_000


def frames(path: Path, most: int = MOST_FRAMES) -> list[NDArray[np.uint8]]:
    """At most `most` grey frames (H, W) of the only image topic of an MCAP file."""
    found: list[NDArray[np.uint8]] = []
    with open_driver(ReplayCameraConfig(path=path, pace="fast")) as camera:
        while len(found) < most:
            try:
                found.append(grey(camera.read(timeout_s=300.0).value))
            except EndOfStreamError:
                break
    if not found:
        raise EdgeError(f"{path}: no frames")
    return found


def grey(image: Image) -> NDArray[np.uint8]:
    """(H, W) uint8; of 16 bits, bits 4 to 11, what lies above them as bright as can be."""
    if image.encoding == "mono8":
        return np.array(image.pixels, np.uint8)
    if image.encoding == "mono16":
        return np.asarray(np.minimum(image.pixels >> 4, 255), np.uint8)
    raise EdgeError(f"a picture of {image.encoding}; the program takes mono8 and mono16")
