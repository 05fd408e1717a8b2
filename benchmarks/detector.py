"""Our detector of road users beside a YOLO trained on the same pictures, on the same frames.

python -m positioning.train.yolo --out out/yolo    (needs the extra `yolo`; AGPL-3.0, not shipped)
python -m benchmarks detector [--json]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Size
from common.runtime.timing import Timing
from common.runtime.timing import measure as timing
from common.types.detections import Detections
from positioning.sim.video.footage import apart_s, filmed, scene_of
from positioning.video.camera import Camera
from positioning.video.detector import Detector, decode
from positioning.video.precision import Judged, Truth, judge, mean_ap
from positioning.video.yolo import YoloDetector

FRAMES: dict[Size, int] = {"quick": 6, "full": 40}
CONDITIONS = ("clear", "rain", "night")
FIRST_SEED, FIRST_S, SECONDS = 70_000, 0.5, 6.0
LEAST_SCORE = 0.05
PEER = Path("out/yolo/road_users_yolo.onnx")

Picture = NDArray[np.uint8]


class _Finder(Protocol):
    def detect(self, picture: Picture, width_px: int = 1920) -> Detections: ...


def measure(size: Size) -> dict[str, Any]:
    """Mean average precision in each condition and CPU time a frame, of all that are there."""
    finders: dict[str, _Finder] = {
        "int8": Detector(threshold=LEAST_SCORE),
        "float": Detector("road_users_fp32", threshold=LEAST_SCORE),
    }
    if PEER.exists():
        finders["yolo"] = YoloDetector(PEER, threshold=LEAST_SCORE)
    result: dict[str, Any] = {"n": FRAMES[size], "threads": 1, "evidence": "simulated"}
    judged: dict[str, dict[str, list[Judged]]] = {name: {} for name in finders}
    picture = np.zeros((540, 960, 3), np.uint8)
    for condition in CONDITIONS:
        for number in range(FRAMES[size]):
            picture, truth = _frame(condition, FIRST_SEED + number)
            for name, finder in finders.items():
                seen = judge(finder.detect(picture), truth)
                judged[name].setdefault(condition, []).append(seen)
    for name, finder in finders.items():
        result[name] = {c: mean_ap(frames) for c, frames in judged[name].items()}
        result[name]["cpu_ms"] = _pace(finder, picture).cpu_ms_median
    return result


def _frame(condition: str, seed: int) -> tuple[Picture, Truth]:
    """Half size, through the JPEG that a camera delivers."""
    scene = scene_of(condition, seed, SECONDS, Camera())
    ends_s = max(apart_s(scene.world, SECONDS), FIRST_S)
    time_s = float(np.random.default_rng(seed).uniform(FIRST_S, ends_s))
    ((_, picture, truth),) = filmed(scene, [time_s])
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return decode(jpeg), truth


def _pace(finder: _Finder, picture: Picture) -> Timing:
    return timing(lambda: finder.detect(picture), repeats=20, warmup=3)


def show(result: dict[str, Any]) -> None:
    """A line a detector."""
    print(f"mAP50 over {result['n']} frames a condition, simulated; CPU ms a frame, one thread")
    for name in ("int8", "float", "yolo"):
        if (told := result.get(name)) is not None:
            each = ", ".join(f"{c} {told[c]:.3f}" for c in CONDITIONS)
            print(f"{name:>6}: {each}; {told['cpu_ms']:.1f} ms")
    if "yolo" not in result:
        print(f"  yolo: {PEER} is absent: python -m positioning.train.yolo --out {PEER.parent}")
