"""Do torch, ONNX fp32 and ONNX int8 decide alike? One differing decision fails the export.

The check set is drawn in the judging regime: good parts and parts with one defect, of every
geometry, kind and stated size of a material, none of which training, calibration or the threshold
has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from common.drivers.camera import sensor
from common.drivers.camera.config import SensorModel
from inspection.models.fcn import Fcn as OnnxFcn
from inspection.sim.names import CHINESE, GEOMETRIES
from inspection.sim.scene import EXPOSURE_US, station_scene
from inspection.train.fcn_net import Fcn

SIDE = 256
CASES: tuple[tuple[str, float], ...] = (
    *(("point", size) for size in (30.0, 40.0, 60.0, 100.0)),
    *(("scratch", size) for size in (30.0, 40.0)),
    *(("stain", size) for size in (400.0, 800.0)),
)

Frame = NDArray[np.uint8]
Score = Callable[[Frame], float]


@dataclass(frozen=True, slots=True)
class Parity:
    """n: images. defective: of them. differing: images on which not all variants decide alike.
    margin: the smallest distance of any score from its variant's threshold, in logits; apart: the
    largest on those images. wrong: how often each variant's decision is not the truth."""

    n: int
    defective: int
    differing: int
    margin: float
    apart: float
    wrong: Mapping[str, int]


def check_set(
    material: str, forms: Sequence[str], seed: int, repeats: int, side: int = SIDE
) -> Iterator[tuple[Frame, str, bool]]:
    """Frames, their geometry and whether they are defective; half as many good as defective."""
    rng = np.random.default_rng([seed, 3])
    first = seed + 100 * list(CHINESE).index(material)
    for form, (c, (kind, size)) in product(forms, enumerate((*CASES, *[("", 0.0)] * 4))):
        scene = station_scene(
            material, "judge", first + 20 * GEOMETRIES[material].index(form) + c, int(kind != ""),
            [kind or "point"], [size or 30.0], side, form,
        )  # fmt: skip
        for part in range(repeats):
            light = scene.render(part, "inspect", part * 0.0137)
            frame = sensor.expose(light, EXPOSURE_US, 0.0, SensorModel(), rng)
            is_defective = bool(scene.truth(part).defects)
            yield frame.astype(np.uint8, copy=False), form, is_defective


def compare(
    frames: Iterator[tuple[Frame, str, bool]],
    scores: Mapping[str, Score],
    thresholds: Mapping[str, float],
) -> Parity:
    """Every variant's decision on every frame, at the threshold of the frame's geometry."""
    n = defective = differing = 0
    margin, apart = np.inf, 0.0
    wrong = dict.fromkeys(scores, 0)
    for frame, form, is_defective in frames:
        distance = {name: score(frame) - thresholds[form] for name, score in scores.items()}
        decisions = {name: value >= 0 for name, value in distance.items()}
        n, defective = n + 1, defective + is_defective
        margin = min(margin, *map(abs, distance.values()))
        if len(set(decisions.values())) > 1:
            differing += 1
            apart = max(apart, *map(abs, distance.values()))
        for name, decided in decisions.items():
            wrong[name] += decided != is_defective
    return Parity(n, defective, differing, float(margin), float(apart), wrong)


def torch_score(net: Fcn) -> Score:
    """The highest logit by torch, from the camera's bytes."""

    def score(frame: Frame) -> float:
        with torch.no_grad():
            x = torch.from_numpy(frame.astype(np.float32) / np.float32(255))
            return float(net(x[None, None]).max())

    return score


def onnx_score(payload: bytes) -> Score:
    """The highest logit by ONNX Runtime."""
    net = OnnxFcn(payload)
    return lambda frame: float(net.logits(frame).max())
