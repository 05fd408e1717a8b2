"""int8 beside float in ONNX Runtime on this machine, one thread, CPU time.

Both in their best form: int8 as `edge_deploy.x86` writes it, float with the foldings that it can
have too. The note tells the int8 file as it is besides.
"""

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
from edge_deploy.acceptance.subjects import EVERY, files_of
from edge_deploy.errors import UnsupportedError
from edge_deploy.graph.fold import fold
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file
from edge_deploy.x86.floats import without_unshuffle
from edge_deploy.x86.write import write

RATIO = 2.0
ROUNDS = {"quick": 15, "full": 60}
ROUND_S = 0.02  # of each file in a round, so that the clock's step does not count
FREE_SIDE = 512  # of pictures for a network that leaves their size free
GUIDE = "面向FPGA和ARM的量化与实现"


def measure(name: str, context: Context) -> Mapping[str, Measurement]:
    """Float, int8 and the int8 file as it is in turn, in every round."""
    files = files_of(name)
    if files is None:
        return {_id(name): not_measured("the direction inspection is not installed")}
    single, integer = (load(files[0], f"{files[1]}_{word}") for word in ("fp32", "int8"))
    size = (FREE_SIDE, FREE_SIDE)
    try:
        best = write(fold(from_file(open_bytes(integer.payload, size), name)))
    except UnsupportedError as error:  # not of integers throughout
        return {_id(name): not_measured(str(error))}
    payloads = (without_unshuffle(single.payload, size), best, integer.payload)
    calls = [_call(payload, context.seed) for payload in payloads]
    repeats = [
        max(1, round(1e3 * ROUND_S / timed(call, repeats=5).cpu_ms_median)) for call in calls
    ]
    spent = np.array(
        [
            [_cpu_ms(call, count) for call, count in zip(calls, repeats, strict=True)]
            for _ in range(ROUNDS[context.size])
        ]
    )
    digest = content_hash(single.card.sha256, integer.card.sha256)
    return {_id(name): _row(spent, context.seed, digest)}


def _call(payload: bytes, seed: int) -> Callable[[], object]:
    session = Session(payload, threads=1)
    rng = np.random.default_rng(seed)
    feed = {}
    for spec in session.inputs:
        shape = [extent if isinstance(extent, int) else FREE_SIDE for extent in spec.shape]
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
    """Median of the rounds' ratios. spent (rounds, 3) ms: float, int8, the int8 file as it is."""
    ratios = spent[:, 0] / spent[:, 1]
    low, high = bootstrap(lambda chosen: float(np.median(ratios[chosen])), len(ratios), seed=seed)
    single, integer, plain = np.median(spent, 0)
    note = (
        f"float {single:.3f} ms, int8 {integer:.3f} ms of CPU time a picture, one thread; the int8 "
        f"file as it is {plain:.3f} ms, {float(np.median(spent[:, 0] / spent[:, 2])):.2f} x"
    )
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
                "ONNX Runtime, one thread, float and int8 in turn, each in its best form (target "
                "onnxruntime-x86; float with its pixel unshuffle folded), CPU time of the "
                "process; median of the rounds' ratios with its bootstrap.",
            ),
        ),
        partial(measure, name),
        exclusive=True,
    )
    for name in EVERY
)
