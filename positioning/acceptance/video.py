"""S4-D3-R2: road users found in rendered 1080p frames, and how far away they are.

The worlds are seeded scenarios that the detector did not learn from: their regime, their seeds and
their weather are others than those of its pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture, Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, resampled
from common.acceptance.resampling import bootstrap

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from common.types.detections import Detections
    from positioning.video.precision import Judged, Truth

Floats = NDArray[np.float64]

GUIDE = "实时目标跟踪和深度估计"
CONDITIONS = ("clear", "rain", "night", "occlusion")
NETS = ("road_users_int8", "road_users_fp32")
WORLDS = {"quick": 8, "full": 120}
FIRST_SEED = 40_000
FIRST_S, SECONDS = 0.5, 5.0
SURE = 0.3  # score of the boxes that distances are taken of
FAR_M = 60.0
RESAMPLES = 500


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One world at one time. found: by net; near_m (M,): distances of the truths' bodies."""

    picture: NDArray[np.uint8]
    truth: Truth
    near_m: Floats
    found: dict[str, Detections]
    judged: dict[str, Judged]


def frames_of(condition: str, context: Context) -> Iterator[Frame]:
    """A frame of each world, through the JPEG that a camera delivers."""
    import cv2

    from positioning.sim.video.footage import apart_s, filmed, near_m, scene_of
    from positioning.video.camera import Camera
    from positioning.video.detector import Detector, decode
    from positioning.video.draw import jpeg
    from positioning.video.precision import judge

    detectors = {name: Detector(name, threshold=0.05) for name in NETS}
    count = WORLDS[context.size]
    for number in range(count):
        context.progress(number, count, f"frames, {condition}")
        seed = FIRST_SEED + 1000 * context.seed + number
        scene = scene_of(condition, seed, SECONDS, Camera())
        ends_s = max(apart_s(scene.world, SECONDS), FIRST_S)
        time_s = float(np.random.default_rng([seed, 71]).uniform(FIRST_S, ends_s))
        ((_, picture, truth),) = filmed(scene, [time_s])
        half = decode(jpeg(picture, 90))
        found = {name: detector.detect(half) for name, detector in detectors.items()}
        near = near_m(scene.world, time_s)
        yield Frame(
            cv2.resize(picture, (960, 540), interpolation=cv2.INTER_AREA),
            truth,
            np.array([near[n] for n in truth.number.tolist()]),
            found,
            {name: judge(boxes, truth) for name, boxes in found.items()},
        )


def measure(context: Context) -> Mapping[str, Measurement]:
    """All conditions, since int8's loss and the distances are taken over all."""
    frames = {condition: list(frames_of(condition, context)) for condition in CONDITIONS}
    rows = {f"S4-D3-R2/map-{c}": precision_of(frames[c], c) for c in CONDITIONS}
    every = [frame for each in frames.values() for frame in each]
    return rows | {LOSS.id: loss_of(every), DEPTH.id: depth_of(every)}


def mean_ap_of(frames: Sequence[Frame], name: str, chosen: Sequence[int]) -> float:
    """Mean average precision of some of the frames; 0 where nothing is to be found."""
    from positioning.video.precision import mean_ap

    return float(np.nan_to_num(mean_ap([frames[i].judged[name] for i in chosen])))


def precision_of(frames: Sequence[Frame], condition: str) -> Measurement:
    """Of int8, with float beside it."""
    from positioning.video.detector import NAMES
    from positioning.video.precision import average_precision

    int8 = NETS[0]
    judged = [frame.judged[int8] for frame in frames]
    each = "; ".join(
        f"{name} {average_precision(judged, label):.3f} of {sum(j.wanted[label] for j in judged)}"
        for label, name in enumerate(NAMES)
        if any(j.wanted[label] for j in judged)
    )
    n = len(frames)
    value, other = (mean_ap_of(frames, name, range(n)) for name in NETS)
    bounds = bootstrap(
        lambda i: mean_ap_of(frames, int8, i.tolist()), n, seed=1, resamples=RESAMPLES
    )
    note = f"fp32 {other:.3f}. By class: {each}"
    digest = content_hash(*(j.scores for j in judged), value)
    return resampled(value, bounds, n, digest, note, (picture_of(frames, condition),))


def picture_of(frames: Sequence[Frame], condition: str) -> Figure:
    """The frame with the most to find: truths thin and white, found boxes by their class."""
    from positioning.video.detector import NAMES
    from positioning.video.draw import draw, jpeg

    frame = max(frames, key=lambda one: int(one.truth.counts.sum()))
    canvas = frame.picture.copy()
    draw(canvas, frame.truth.boxes_px[frame.truth.counts] / 2, None)
    found = frame.found[NETS[0]]
    sure = found.scores >= SURE
    told = zip(found.labels[sure].tolist(), found.scores[sure].tolist(), strict=True)
    words = [f"{NAMES[label]} {score:.2f}" for label, score in told]
    draw(canvas, found.boxes_px[sure] / 2, found.labels[sure], words)
    return Picture(jpeg(canvas), f"{condition}: found by int8 with its score; truths white")


def loss_of(frames: Sequence[Frame]) -> Measurement:
    """What int8 loses against float on the same frames."""
    int8, fp32 = NETS

    def lost(chosen: Sequence[int]) -> float:
        return mean_ap_of(frames, fp32, chosen) - mean_ap_of(frames, int8, chosen)

    n = len(frames)
    value = lost(range(n))
    bounds = bootstrap(lambda i: lost(i.tolist()), n, seed=1, resamples=RESAMPLES)
    each = ", ".join(f"{name} {mean_ap_of(frames, name, range(n)):.3f}" for name in NETS)
    return resampled(value, bounds, n, content_hash(value, each), f"all conditions: {each}")


def depth_of(frames: Sequence[Frame]) -> Measurement:
    """Distances of what was rightly found, against the truth."""
    every = [distances_of(frame) for frame in frames]
    footless = sum(int(np.isnan(part[:, 0]).sum()) for part in every)
    parts = [shown for part in every if len(shown := part[np.isfinite(part[:, 0])])]
    if not parts:
        return not_measured("nothing was found whose distance is known")
    table = np.concatenate(parts)
    told, spread, true = table.T
    relative = np.abs(told - true) / true

    def mean(chosen: NDArray[np.int64]) -> float:
        return float(np.mean(np.concatenate([relative_of(parts[i]) for i in chosen.tolist()])))

    value, n = float(relative.mean()), len(parts)
    held = float((np.abs(told - true) <= 2 * spread).mean())
    note = (
        f"{len(table)} boxes; RMSE {np.sqrt(np.mean((told - true) ** 2)):.2f} m, median error "
        f"{np.median(np.abs(told - true)):.2f} m; {held:.0%} within two stated deviations; "
        f"{footless} more do not show where they stand"
    )
    plot = Plot(
        "Distance by ground plane and size", "true distance [m]", "error [m]",
        (Series(f"n = {len(table)}", true, told - true, kind="points"),),
        lines=(ReferenceLine("0", 0.0),),
    )  # fmt: skip
    bounds = bootstrap(mean, n, seed=1, resamples=RESAMPLES)
    return resampled(value, bounds, n, content_hash(table), note, (plot,))


def relative_of(part: Floats) -> Floats:
    """(K,) absolute relative errors."""
    relative: Floats = np.abs(part[:, 0] - part[:, 2]) / part[:, 2]
    return relative


def distances_of(frame: Frame) -> Floats:
    """(K, 3) told, its standard deviation and true, of the pairs of box and body; NaN where none is
    told."""
    from positioning.video.camera import Camera
    from positioning.video.depth import distance_m
    from positioning.video.detector import iou
    from positioning.video.tracker import matched

    found = frame.found[NETS[0]]
    sure = found.scores >= SURE
    boxes, labels = found.boxes_px[sure], found.labels[sure]
    row, column = matched(iou(frame.truth.boxes_px, boxes), 0.5)
    told, spread = distance_m(Camera(), boxes[column], labels[column])
    table = np.stack([told, spread, frame.near_m[row]], axis=1)
    good = frame.truth.counts[row] & (frame.near_m[row] < FAR_M)
    pairs: Floats = table[good]
    return pairs


HOW = (
    "One rendered 1920 x 1080 frame of each of n unseen worlds, as JPEG; bodies three tenths in "
    "sight and 20 lines high or higher are to be found, others count neither way; the frame is of "
    "a time before the carrier, which keeps no distance, runs into somebody; {}."
)
row = partial(Indicator, guide=GUIDE, evidence="simulated")
PRECISION = tuple(
    row(
        id=f"S4-D3-R2/map-{c}", claim=f"In {c} the int8 detector has a mean AP of 0.8 at IoU 0.5.",
        unit="fraction", comparator=">=", target=0.8,
        method=HOW.format("average precision over vehicle, cyclist and pedestrian"),
    )
    for c in CONDITIONS
)  # fmt: skip
LOSS = row(
    id="S4-D3-R2/int8-loss", claim="int8 costs at most 0.01 of mean AP against float.",
    unit="fraction", comparator="<=", target=0.01,
    method=HOW.format("float less int8 over all conditions"),
)  # fmt: skip
DEPTH = row(
    id="S4-D3-R2/depth", claim="Distances by ground plane and size are within 10 % on average.",
    unit="fraction", comparator="<=", target=0.1,
    method=HOW.format(
        "mean absolute relative error (AbsRel) of the boxes that the detector found, to 60 m"
    )
    + " The sizes that are supposed are means of recorded data sets (KITTI, nuScenes); overhangs "
    "are about those of the simulated bodies: others are told worse.",
)  # fmt: skip
EXPERIMENTS = (Experiment("video-detector", (*PRECISION, LOSS, DEPTH), measure),)
