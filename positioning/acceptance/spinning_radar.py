"""S4-D3-R3 on real frames of a spinning radar (radiate_tiny): what of a vehicle's size is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, rate

if TYPE_CHECKING:
    from positioning.radar.formats.radiate import Frame

GUIDE_R3 = "雷达与视频时钟同步、滤波除杂、抗干扰"
STANDS_MPS = 5.0  # over ground, by hand-drawn boxes four times a second


def radiate(context: Context) -> Mapping[str, Measurement]:
    """CFAR and clustering on a real spinning radar, against hand-drawn boxes of vehicles."""
    recall, precision = "S4-D3-R3/radiate-recall", "S4-D3-R3/radiate-precision"
    root = context.data_root
    folder = root / "radiate_tiny/data/radiate/tiny_foggy" if root else None
    if folder is None or not folder.is_dir():
        reason = not_measured("the data set radiate_tiny is absent")
        return {recall: reason, precision: reason}
    from positioning.radar.formats.radiate import RANGE_M, read
    from positioning.radar.polar import objects

    frames = read(folder)
    held = boxes = right = told = dark = 0
    for frame in frames:
        every = objects(frame.polar(), RANGE_M)
        echoes = np.concatenate([np.zeros((0, 2)), *(o.cells_m for o in every)])
        dark += sum(not box.holds(echoes, 0.5).any() for box in frame.boxes)
        found = [o for o in every if o.may_be_vehicle]
        place = np.array([o.xy_m for o in found]).reshape(-1, 2)
        inside = np.array([box.holds(place, 0.5) for box in frame.boxes]).reshape(-1, len(place))
        held, boxes = held + int(inside.any(axis=1).sum()), boxes + len(frame.boxes)
        right, told = right + int(inside.any(axis=0).sum()), told + len(found)
        context.progress(frame.number, len(frames), "radar, radiate_tiny")
    digest = context.data_hash([frame.path for frame in frames])
    picture = (_picture(frames[10], found=objects(frames[10].polar(), RANGE_M)),)
    stand = standing(frames)
    note = (
        "fog, 18 frames of one street, boxes of the same few vehicles: not independent. Everything "
        "else that stands counts as false, and without Doppler the radar cannot tell it from "
        f"vehicles; nor would motion from frame to frame, for {stand} of the {boxes} boxes stand "
        "themselves: their vehicles come nearer as the street does. "
        f"{dark} of the {boxes} boxes hold no echo at all that has neighbours: no clustering finds "
        "anything there."
    )
    return {
        recall: rate(held, boxes, digest, note, picture),
        precision: rate(right, told, digest, note),
    }


def standing(frames: Sequence[Frame]) -> int:
    """How many of the boxes are of vehicles that are slower over ground than STANDS_MPS, by the
    median over the frames; the carrier's own way is that of the images."""
    from positioning.radar.formats.radiate import RANGE_M
    from positioning.radar.registration import ground, went_m

    images = [ground(frame.polar(), RANGE_M) for frame in frames]
    speeds: dict[int, list[float]] = {}
    for at, (before, after) in enumerate(pairwise(frames)):
        own_m, _ = went_m(images[at], images[at + 1])
        later = {box.number: box.x_m for box in after.boxes}
        for box in before.boxes:
            if box.number in later:
                gone = later[box.number] - box.x_m + own_m
                speeds.setdefault(box.number, []).append(gone / (after.time_s - before.time_s))
    slow = {number for number, mps in speeds.items() if abs(np.median(mps)) < STANDS_MPS}
    return sum(box.number in slow for frame in frames for box in frame.boxes)


def _picture(frame: Any, found: Iterable[Any]) -> Figure:
    """The polar image laid out on the ground, boxes in red, vehicle-like objects in green."""
    import cv2

    scale, side = 4.0, 640
    polar = frame.polar()
    x, y = np.meshgrid(np.arange(side) - side / 2, side / 2 - np.arange(side))
    turn = (np.arctan2(x, y) % (2 * np.pi)) / (2 * np.pi) * polar.shape[1] - 0.5
    bins = np.hypot(x, y) / scale / 100.0 * polar.shape[0]
    image = cv2.remap(polar, turn.astype(np.float32), bins.astype(np.float32), cv2.INTER_LINEAR)
    canvas = cv2.cvtColor(cv2.convertScaleAbs(image, alpha=1.8), cv2.COLOR_GRAY2BGR)

    def pixel(forward: float, left: float) -> tuple[int, int]:
        return round(side / 2 - left * scale), round(side / 2 - forward * scale)

    for item in found:
        if item.may_be_vehicle:
            cv2.circle(canvas, pixel(*item.xy_m), 5, (80, 220, 80), 1)
    for box in frame.boxes:
        size = box.width_m * scale, box.length_m * scale
        tilted = (pixel(box.x_m, box.y_m), size, -float(np.rad2deg(box.yaw_rad)))
        cv2.polylines(canvas, [cv2.boxPoints(tilted).astype(np.int32)], True, (60, 60, 255), 1)
    data = cv2.imencode(".png", canvas)[1].tobytes()
    return Picture(data, "radiate_tiny, frame 11: boxes red, vehicle-like objects green")


RADIATE = (
    Indicator(
        "S4-D3-R3/radiate-recall",
        "At least 90 % of the boxes of vehicles hold a vehicle-like object.",
        GUIDE_R3, "fraction", ">=", 0.9, "public-data",
        "OS-CFAR along range and DBSCAN on the polar frames of radiate_tiny; the object's middle "
        "in the box widened by 0.5 m.",
    ),
    Indicator(
        "S4-D3-R3/radiate-precision",
        "At least half of the vehicle-like objects are boxed vehicles.",
        GUIDE_R3, "fraction", ">=", 0.5, "public-data",
        "As recall; objects of a vehicle's size whose middle lies in no box count as false.",
    ),
)  # fmt: skip

EXPERIMENTS = (Experiment("radar-radiate", RADIATE, radiate),)
