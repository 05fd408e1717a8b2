"""S4-D3-R3 on a recording: how far apart the clocks of radar and camera are (radiate_tiny)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured

if TYPE_CHECKING:
    from positioning.fusion.sweep import Offset, Unknown, Way
    from positioning.radar.formats.radiate import Frame

Floats = NDArray[np.float64]

SEQUENCE = "radiate_tiny/data/radiate/tiny_foggy"
ROWS = slice(190, 300)  # of a picture of 376: the road and what stands on it
BLUR_PX = 2.0
SWEEP_RAD, LEAST = 0.2, 8  # how far, and in how many frames, a body must go by
FOCAL_PX, CENTRE_PX = (320.0, 380.0), (326.0, 346.0)  # a ZED at 672 x 376, of unknown calibration
INDICATOR = Indicator(
    "S4-D3-R3/recorded-offset",
    "The offset of a recording's radar and camera is told to half a turn of the radar (125 ms).",
    "时钟同步", "s", "<=", 0.125, "public-data",
    "radiate_tiny: the columns that a passing car's boxes would cover against the change from "
    "picture to picture. Half of the interval that holds 90 % of the answers, over pictures and "
    "over what is not known of the camera; nobody knows the true offset.",
)  # fmt: skip


def measure(context: Context) -> Mapping[str, Measurement]:
    """The boxes of whoever goes by, against the pictures."""
    from positioning.fusion.sweep import Unknown, find
    from positioning.radar.formats.radiate import read, shots

    folder = None if context.data_root is None else context.data_root / SEQUENCE
    if folder is None or not folder.is_dir():
        return {INDICATOR.id: not_measured("the data set radiate_tiny is absent")}
    taken = shots(folder)
    way = passing(read(folder))
    if way is None:
        return {INDICATOR.id: not_measured("nobody goes by in this recording")}
    pictures = [shot.grey() for shot in taken]
    change = changes(pictures)
    stamps = np.array([shot.time_s for shot in taken])
    time_s = (stamps[1:] + stamps[:-1]) / 2
    unknown = Unknown(FOCAL_PX, CENTRE_PX)
    found = find(time_s, change, way, unknown)
    half = (found.high_s - found.low_s) / 2
    note = (
        f"the camera's stamps are {found.s:+.2f} s from the radar's ({found.low_s:+.2f} to "
        f"{found.high_s:+.2f} s): one car in {len(way.time_s)} hand-drawn boxes"
    )
    digest = context.data_hash([shot.path for shot in taken])
    shown = (_picture(time_s, change, way, unknown, found),)
    return {INDICATOR.id: Measurement(half, None, None, 1, digest, note, shown)}


def passing(frames: tuple[Frame, ...]) -> Way | None:
    """The body whose bearing changes most while it is ahead; None where nobody's does."""
    from positioning.fusion.sweep import NEAREST_M, Way

    boxes: dict[int, list[tuple[float, Any]]] = {}
    for frame in frames:
        for box in frame.boxes:
            boxes.setdefault(box.number, []).append((frame.time_s, box))
    best: tuple[float, Way | None] = (SWEEP_RAD, None)
    for rows in boxes.values():
        x = np.array([box.x_m for _, box in rows])
        y = np.array([box.y_m for _, box in rows])
        ahead = x > NEAREST_M
        sweep = float(np.ptp(np.arctan2(y, x)[ahead])) if ahead.sum() >= LEAST else 0.0
        if sweep > best[0]:
            sizes = np.median([(box.length_m, box.width_m) for _, box in rows], axis=0) / 2
            half = float(sizes.max()), float(sizes.min())
            best = sweep, Way(np.array([time for time, _ in rows]), x, y, half)
    return best[1]


def changes(pictures: list[NDArray[np.uint8]]) -> Floats:
    """(P - 1, columns) mean absolute change of every column from picture to picture."""
    import cv2

    smooth = [cv2.GaussianBlur(one, (0, 0), BLUR_PX)[ROWS].astype(np.float32) for one in pictures]
    off = [np.abs(after - before).mean(0) for before, after in pairwise(smooth)]
    return np.array(off, np.float64)


def _picture(time_s: Floats, change: Floats, way: Way, unknown: Unknown, found: Offset) -> Figure:
    """Columns across, pictures down: the change, the boxes as stamped red, and as aligned green."""
    import cv2

    from positioning.fusion.sweep import columns

    tall = 10
    grey = np.clip(10 * np.repeat(change, tall, axis=0), 0, 255).astype(np.uint8)
    canvas = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    camera = {name: float(np.mean(getattr(unknown, name))) for name in unknown.__slots__}
    for offset, colour in ((0.0, (60, 60, 255)), (found.s, (80, 220, 80))):
        for row, (a, b) in enumerate(zip(*columns(way, camera, time_s - offset), strict=True)):
            if np.isfinite(a):
                for edge in (a, b):
                    at = (round(float(np.clip(edge, -9, 9999))), row * tall + tall // 2)
                    cv2.circle(canvas, at, 3, colour, -1)
    data = cv2.imencode(".png", canvas)[1].tobytes()
    return Picture(data, "radiate_tiny, change by column (across) and picture (down); edges of the "
                         "passing car's boxes, red as stamped, green as aligned")  # fmt: skip


EXPERIMENTS = (Experiment("recorded-offset", (INDICATOR,), measure),)
