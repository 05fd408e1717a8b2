"""Road users in a picture: a small anchor-free network on 960 x 512 pixels, int8.

One cell of its map stands for 8 x 8 pixels: a logit for each class, highest at the middle of a box,
and the logarithms of the distances from the cell's middle to the box's four sides, in cells
(Tian et al., FCOS, ICCV 2019; Zhou et al., Objects as Points, 2019).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.runtime.session import Session
from common.runtime.weights import load
from common.types.detections import Detections

WEIGHTS = Path(__file__).parents[1] / "weights"
NAMES = ("vehicle", "cyclist", "pedestrian")
WIDTH, HEIGHT, STRIDE = 960, 512, 8
CROPPED = 28  # rows of sky cut off the top of 960 x 540
MOST = 64  # boxes of a picture

F32 = NDArray[np.float32]
Picture = NDArray[np.uint8]


class PictureError(LingnanError):
    """A picture cannot be decoded or has a shape that the detector does not take."""


def decode(data: bytes) -> Picture:
    """(540, 960, 3) BGR from a JPEG of 1920 x 1080, half as large in the decoder's transform.

    PictureError for what is not a JPEG of that size.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        raise PictureError("the frame is not a JPEG")
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    if found is None or found.shape != (540, 960, 3):
        raise PictureError("the frame is damaged or not 1920 x 1080")
    return np.asarray(found, np.uint8)


class Detector:
    """The shipped network. threshold: least score of a box; overlap: IoU over which two are one."""

    def __init__(
        self,
        name: str = "road_users_int8",
        *,
        threshold: float = 0.3,
        overlap: float = 0.5,
        threads: int = 1,
        folder: Path = WEIGHTS,
    ) -> None:
        self._session = Session(load(folder, name).payload, threads=threads)
        self._threshold, self._overlap = threshold, overlap

    def detect(self, picture: Picture, width_px: int = 1920) -> Detections:
        """Boxes in pixels of a picture `width_px` wide, from one of any size with sides 16 to 9.

        PictureError for a picture of another form.
        """
        return self.boxes(*self.maps(network_input(picture)), width_px)

    def maps(self, pixels: Picture) -> tuple[F32, F32]:
        """The network alone: heat (3, 64, 120) and box (4, 64, 120) of (1, 3, 512, 960) pixels."""
        found = self._session.run({"image": pixels})
        return found["heat"][0], found["box"][0]

    def boxes(self, heat: F32, box: F32, width_px: int = 1920) -> Detections:
        """What the network's maps tell, in pixels of a picture `width_px` wide."""
        scale = width_px / WIDTH
        return boxes_of(heat, box, scale, threshold=self._threshold, overlap=self._overlap)


def network_input(picture: Picture) -> Picture:
    """(1, 3, 512, 960) BGR; PictureError where the sides are not 16 to 9."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise PictureError(f"a picture is (H, W, 3) uint8, got {picture.shape} {picture.dtype}")
    height, width = picture.shape[:2]
    if abs(9 * width - 16 * height) > 16:
        raise PictureError(f"a picture of {width} x {height} px is not 16 to 9")
    if width != WIDTH:
        way = cv2.INTER_AREA if width > WIDTH else cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(picture, (WIDTH, HEIGHT + CROPPED), interpolation=way))
    return np.ascontiguousarray(picture[CROPPED:].transpose(2, 0, 1)[None])


def boxes_of(heat: F32, box: F32, scale: float, *, threshold: float, overlap: float) -> Detections:
    """Boxes at the local maxima of `heat` (C, H, W) logits, from `box` (4, H, W) log distances."""
    logit = float(np.log(threshold / (1 - threshold)))
    peaks = cv2.dilate(heat.transpose(1, 2, 0), np.ones((3, 3), np.uint8)).transpose(2, 0, 1)
    label, row, column = np.nonzero((heat >= logit) & (heat >= peaks))
    score = 1 / (1 + np.exp(-heat[label, row, column]))
    best = np.argsort(-score, kind="stable")[:MOST]
    label, row, column, score = label[best], row[best], column[best], score[best]
    left, top, right, bottom = np.exp(np.clip(box[:, row, column], -4, 5)) * STRIDE
    x, y = (column + 0.5) * STRIDE, (row + 0.5) * STRIDE
    sides = np.stack([x - left, y - top, x + right, y + bottom], axis=1)
    sides = np.clip(sides, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    kept = suppress(sides, score, overlap)
    placed = (sides[kept] + [0, CROPPED, 0, CROPPED]) * scale
    return Detections(
        placed.astype(np.float32),
        score[kept].astype(np.float32),
        label[kept].astype(np.int64),
        NAMES,
    )


def suppress(
    boxes: NDArray[np.floating], scores: NDArray[np.floating], overlap: float
) -> NDArray[np.int64]:
    """Indices, best first, of boxes (N, 4) that no better one overlaps by more than `overlap`."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        kept.append(order[0])
        order = order[1:][iou(boxes[order[:1]], boxes[order[1:]])[0] <= overlap]
    return np.array(kept, np.int64)


def iou(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(-1)
    sizes = [(c[:, 2] - c[:, 0]) * (c[:, 3] - c[:, 1]) for c in (a, b)]
    shared: NDArray[np.float64] = both / np.maximum(sizes[0][:, None] + sizes[1][None] - both, 1e-9)
    return shared
