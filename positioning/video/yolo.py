"""Road users found by a network that ultralytics trained and exported, run by ONNX Runtime alone.

The file comes from elsewhere: it is checked in a child process before it is loaded, and must take
(1, 3, 512, 960) float32 RGB in 0..1 and give (1, 4 + classes, N): middle, size in pixels of the
input and a score in 0..1 a class, before any suppression, as
`YOLO.export(format="onnx", imgsz=(512, 960))` writes it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.runtime.files import read_file
from common.runtime.foreign import Limits, check_bytes
from common.runtime.session import Session
from common.types.detections import Detections
from positioning.video.detector import (
    CROPPED,
    HEIGHT,
    MOST,
    NAMES,
    WIDTH,
    Picture,
    network_input,
    suppress,
)

MAX_BYTES = 200 << 20
IMAGE = (1, 3, HEIGHT, WIDTH)

F32 = NDArray[np.float32]


class YoloError(LingnanError):
    """A file that is no YOLO network for the three road users."""


class YoloDetector:
    """As `Detector`, whose place it can take in `RoadPipeline`. threshold: least score of a box;
    overlap: IoU over which two are one. YoloError for a network of another form; ForeignModelError
    or WeightsError for a file that is refused."""

    def __init__(
        self, path: Path, *, threshold: float = 0.25, overlap: float = 0.6, threads: int = 1
    ) -> None:
        payload = read_file(path, MAX_BYTES)
        check_bytes(payload, str(path), Limits())
        self._session = Session(payload, threads=threads)
        self._threshold, self._overlap = threshold, overlap
        self._image, self._found = _names(self._session, path)

    def detect(self, picture: Picture, width_px: int = 1920) -> Detections:
        """Boxes in pixels of a picture `width_px` wide, from one of any size with sides 16 to 9.

        PictureError for a picture of another form.
        """
        pixels = network_input(picture)[:, ::-1].astype(np.float32) / np.float32(255)
        found = self._session.run({self._image: np.ascontiguousarray(pixels)})[self._found]
        return candidates(
            found[0], width_px / WIDTH, threshold=self._threshold, overlap=self._overlap
        )


def _names(session: Session, path: Path) -> tuple[str, str]:
    """The input's and the output's; YoloError where their shapes are others."""
    if len(session.inputs) != 1 or len(session.outputs) != 1:
        raise YoloError(f"{path}: one input and one output are wanted")
    (image,), (found,) = session.inputs, session.outputs
    wanted = (1, 4 + len(NAMES))
    if image.shape != IMAGE or image.dtype != np.float32 or found.shape[:2] != wanted:
        raise YoloError(
            f"{path} takes {image.shape} {image.dtype} and gives {found.shape}; wanted {IMAGE} "
            f"float32 and {(*wanted, 'N')}: export with imgsz=({HEIGHT}, {WIDTH}) a network of "
            f"{len(NAMES)} classes, without suppression in it"
        )
    return image.name, found.name


def candidates(found: F32, scale: float, *, threshold: float, overlap: float) -> Detections:
    """Boxes of the network's output (4 + classes, N), a class at a time suppressed."""
    label, score = found[4:].argmax(0), found[4:].max(0)
    best = np.flatnonzero(score >= threshold)
    best = best[np.argsort(-score[best], kind="stable")][: 8 * MOST]
    middle, half = found[:2, best].T, found[2:4, best].T / 2
    sides = np.hstack([middle - half, middle + half])
    apart = sides + (label[best] * 16.0 * WIDTH)[:, None]  # classes do not suppress each other
    kept = suppress(apart, score[best], overlap)[:MOST]
    inside = np.clip(sides[kept], 0, [WIDTH, HEIGHT] * 2)
    placed = np.add(inside, [0, CROPPED, 0, CROPPED]) * scale
    return Detections(
        placed.astype(np.float32),
        score[best][kept].astype(np.float32),
        label[best][kept].astype(np.int64),
        NAMES,
    )
