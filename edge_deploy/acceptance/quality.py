"""What int8 costs: float and int8 on the same check sets, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.directions import find
from common.runtime.weights import load
from edge_deploy import characters
from edge_deploy.acceptance.subjects import (
    FCN,
    FCN_STEM,
    FCN_THRESHOLD,
    inspection_weights,
    omniglot,
    station_camera,
    station_frames,
)
from edge_deploy.checksets import NETS, WEIGHTS, Net, answers, check_set
from edge_deploy.errors import EdgeError
from edge_deploy.quantize.gate import bounds

POINTS = 1.0
TRAYS = {"quick": 60, "full": 600}
PARTS = {"quick": 16, "full": 400}
PART_SIDE = 256
PART_SEED = 77_000
GUIDE = "面向FPGA和ARM的量化与实现"

Scores = NDArray[np.float64]


def measure(net: Net, context: Context) -> Mapping[str, Measurement]:
    """The row of one of our networks."""
    data = omniglot(context.data_root)
    if net.task == "characters" and data is None:
        return {_id(net.name): not_measured(f"{characters.ARCHIVE} is not under the data root")}
    judged = check_set(net.task, TRAYS[context.size], data)
    models = [load(WEIGHTS, f"{net.name}_{word}") for word in ("fp32", "int8")]
    single, integer = (judged.score(answers(model.payload, judged.pictures)) for model in models)
    digest = content_hash(judged.pictures, *(model.card.sha256 for model in models))
    return {_id(net.name): _row(single, integer, context.seed, digest, net.score)}


def measure_fcn(context: Context) -> Mapping[str, Measurement]:
    """The row of inspection's network: the right decision on parts of the simulated station."""
    direction, folder = find("inspection"), inspection_weights()
    if direction is None or folder is None:
        return {_id(FCN): not_measured("the direction inspection is not installed")}
    count = PARTS[context.size]
    seed = PART_SEED + context.seed
    frames = station_frames(PART_SIDE, count, seed)
    reel = station_camera(PART_SIDE, count, seed).parameters
    truth = direction.load("sim.reel").reel(**reel)
    bad = np.array([truth.is_defective(at) for at in range(count)])
    method = direction.load("methods.segment").Segment
    right, digests = [], []
    for word in ("fp32", "int8"):
        model = load(folder, f"{FCN_STEM}_{word}")
        net = method(model.payload)
        scores = np.array([net.score(frame) for frame in frames])
        right.append(((scores >= model.card.score[FCN_THRESHOLD]) == bad).astype(np.float64))
        digests.append(model.card.sha256)
    digest = content_hash(np.stack(frames), *digests)
    told = f"share of parts of {PART_SIDE} x {PART_SIDE} px judged rightly"
    return {_id(FCN): _row(right[0], right[1], context.seed, digest, told)}


def _id(name: str) -> str:
    return f"S4-D9-R4/accuracy-{name}"


def _row(single: Scores, integer: Scores, seed: int, digest: str, what: str) -> Measurement:
    """Points lost, the samples drawn again and again in pairs."""
    lost = 100 * (single - integer)
    if not len(lost):
        raise EdgeError("a check set without samples")
    differ = int((lost != 0).sum())
    low, high = bounds(lost, seed)
    note = (
        f"{what}: float {single.mean():.4f}, int8 {integer.mean():.4f}; {differ} of {len(lost)} "
        f"samples score otherwise"
    )
    return Measurement(float(lost.mean()), low, high, len(lost), digest, note, (_curve(lost),))


def _curve(lost: Scores) -> Plot:
    ordered = np.sort(lost)
    share = (np.arange(len(ordered)) + 1) / len(ordered)
    ends = [0, *(at for at, (a, b) in enumerate(pairwise(ordered), 1) if a != b), len(ordered) - 1]
    series = Series(f"n = {len(lost)}", ordered[ends], share[ends], kind="step")
    return Plot("What int8 loses", "points lost by a sample", "share at or below", (series,))


def _indicator(name: str, evidence: str, method: str) -> Indicator:
    return Indicator(
        _id(name),
        f"int8 loses at most 1 point against float on the check set of {name}.",
        GUIDE,
        "points",
        "<=",
        POINTS,
        "public-data" if evidence == "public-data" else "simulated",
        method,
    )


HOW = {
    "characters": "Omniglot drawings by people that neither file learned from, each at nine places",
    "trays": "Simulated trays drawn from seeds that were not learned from",
    "masks": "Simulated trays drawn from seeds that were not learned from",
}
EXPERIMENTS = (
    *(
        Experiment(
            f"accuracy-{net.name}",
            (
                _indicator(
                    net.name,
                    "public-data" if net.task == "characters" else "simulated",
                    f"{HOW[net.task]}; both files in ONNX Runtime; paired bootstrap over samples.",
                ),
            ),
            partial(measure, net),
        )
        for net in NETS
    ),
    Experiment(
        f"accuracy-{FCN}",
        (
            _indicator(
                FCN,
                "simulated",
                "Frames of inspection's simulated station, every other part with a defect, judged "
                "at the thresholds that were shipped; paired bootstrap over parts.",
            ),
        ),
        measure_fcn,
    ),
)
