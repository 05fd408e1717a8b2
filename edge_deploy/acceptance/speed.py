"""int8 beside float in ONNX Runtime on this machine, one thread, CPU time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from common.runtime.session import Session
from common.runtime.timing import measure as timed
from common.runtime.weights import load
from edge_deploy.acceptance.subjects import FCN, FCN_STEM, NAMES, inspection_weights
from edge_deploy.checksets import WEIGHTS

RATIO = 2.0
ROUNDS = {"quick": 15, "full": 60}
ROUND_S = 0.02  # of each file in a round, so that the clock's step does not count
FCN_SIDE = 512
GUIDE = "面向FPGA和ARM的量化与实现"


def measure(name: str, context: Context) -> Mapping[str, Measurement]:
    """Both files in turn; the ratio of their CPU time in each round."""
    folder = inspection_weights() if name == FCN else WEIGHTS
    if folder is None:
        return {_id(name): not_measured("the direction inspection is not installed")}
    stem = FCN_STEM if name == FCN else name
    models = [load(folder, f"{stem}_{word}") for word in ("fp32", "int8")]
    calls = [_call(model.payload, context.seed) for model in models]
    repeats = [
        max(1, round(1e3 * ROUND_S / timed(call, repeats=5).cpu_ms_median)) for call in calls
    ]
    spent = np.array(
        [
            [_cpu_ms(call, count) for call, count in zip(calls, repeats, strict=True)]
            for _ in range(ROUNDS[context.size])
        ]
    )
    digest = content_hash(*(model.card.sha256 for model in models))
    return {_id(name): _row(spent, context.seed, digest)}


def _call(payload: bytes, seed: int) -> Callable[[], object]:
    session = Session(payload, threads=1)
    rng = np.random.default_rng(seed)
    feed = {}
    for spec in session.inputs:
        shape = [extent if isinstance(extent, int) else FCN_SIDE for extent in spec.shape]
        picture = rng.integers(0, 256, [1, *shape[1:]])
        scaled = picture.astype(np.uint8) if spec.dtype == np.uint8 else picture / 255
        feed[spec.name] = scaled.astype(spec.dtype)
    return partial(session.run, feed)


def _cpu_ms(call: Callable[[], object], count: int) -> float:
    def many() -> None:
        for _ in range(count):
            call()

    return timed(many, repeats=1, warmup=0).cpu_ms_median / count


def _row(spent: NDArray[np.float64], seed: int, digest: str) -> Measurement:
    """Median of the rounds' ratios."""
    ratios = spent[:, 0] / spent[:, 1]
    low, high = bootstrap(lambda chosen: float(np.median(ratios[chosen])), len(ratios), seed=seed)
    single, integer = np.median(spent, 0)
    note = f"float {single:.3f} ms, int8 {integer:.3f} ms of CPU time a picture, one thread"
    ordered = np.sort(ratios)
    share = (np.arange(len(ordered)) + 1) / len(ordered)
    series = Series(f"{len(ordered)} rounds", ordered, share, kind="step")
    lines = (ReferenceLine("2 x", RATIO, "x"),)
    plot = Plot(
        "Speed of int8", "float time / int8 time", "share of rounds", (series,), lines=lines
    )
    value = float(np.median(ratios))
    return Measurement(value, low, high, len(ratios), digest, note, (plot,))


def _id(name: str) -> str:
    return f"S4-D9-R4/speed-{name}"


EXPERIMENTS = tuple(
    Experiment(
        f"speed-{name}",
        (
            Indicator(
                _id(name),
                f"int8 of {name} takes at most half of float's CPU time on this machine.",
                GUIDE,
                "ratio",
                ">=",
                RATIO,
                "real-hardware",
                "ONNX Runtime, one thread, float and int8 in turn, CPU time of the process; median "
                "of the rounds' ratios with its bootstrap.",
            ),
        ),
        partial(measure, name),
        exclusive=True,
    )
    for name in NAMES
)
