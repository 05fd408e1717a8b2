"""int8 beside float on this machine, one thread, CPU time.

Both in their best form: int8 in ONNX Runtime as `edge_deploy.x86` writes it or as C with the
machine's own instructions (the same integers), float in ONNX Runtime with the foldings that it can
have too. The note tells each, and the int8 file as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

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
from edge_deploy.arm64.bundle import compile_program
from edge_deploy.c.build import TARGETS
from edge_deploy.errors import UnsupportedError
from edge_deploy.graph.fold import fold
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file
from edge_deploy.pipeline import prepare_bytes
from edge_deploy.verify import tools
from edge_deploy.verify.compare import Network
from edge_deploy.verify.programs import pack
from edge_deploy.x86.floats import without_unshuffle
from edge_deploy.x86.write import write

RATIO = 2.0
ROUNDS = {"quick": 15, "full": 60}
ROUND_S = 0.02  # of each file in a round, so that the clock's step does not count
FREE_SIDE = 512  # of pictures for a network that leaves their size free
FLOAT, X86, NATIVE = "float", "onnxruntime-x86", "c99-native"
GUIDE = "面向FPGA和ARM的量化与实现"


def measure(name: str, context: Context) -> Mapping[str, Measurement]:
    """Float and every exact form of the int8 file in turn, in every round."""
    files = files_of(name)
    if files is None:
        return {_id(name): not_measured("the direction inspection is not installed")}
    single, integer = (load(files[0], f"{files[1]}_{word}") for word in ("fp32", "int8"))
    size = (FREE_SIDE, FREE_SIDE)
    try:
        best = write(fold(from_file(open_bytes(integer.payload, size), name)))
        network = prepare_bytes(integer.payload, name, size)
    except UnsupportedError as error:  # not of integers throughout
        return {_id(name): not_measured(str(error))}
    payloads = {FLOAT: without_unshuffle(single.payload, size), X86: best}
    forms = {word: _repeated(_call(payload, context.seed)) for word, payload in payloads.items()}
    if tools.missing(TARGETS[NATIVE].tools) is None:
        forms[NATIVE] = partial(_native, _compiled(network, context))
    rounds = [{word: form() for word, form in forms.items()} for _ in range(ROUNDS[context.size])]
    spent = {word: np.array([one[word] for one in rounds]) for word in forms}
    plain = _repeated(_call(integer.payload, context.seed))()
    digest = content_hash(single.card.sha256, integer.card.sha256)
    return {_id(name): _row(spent, plain, context.seed, digest)}


def _repeated(call: Callable[[], object]) -> Callable[[], float]:
    """CPU ms of a call, over as many as make up ROUND_S."""
    count = max(1, round(1e3 * ROUND_S / timed(call, repeats=5).cpu_ms_median))
    return partial(_cpu_ms, call, count)


def _compiled(network: Network, context: Context) -> tuple[Path, bytes, float]:
    """The C program, its picture, and ms of a call."""
    graph, target = network.graph, TARGETS[NATIVE]
    program = compile_program(
        graph, network.sources, context.scratch / "native", "bench", ("bench.c", "peak.h"), target
    )
    shape = graph.tensors[graph.inputs[0]].shape
    picture = np.random.default_rng(context.seed).integers(0, 256, (1, *shape)).astype(np.uint8)
    given = pack(graph, graph.inputs, {graph.inputs[0]: picture})
    return program, given, _native((program, given, ROUND_S * 1e3 / 5))


def _native(made: tuple[Path, bytes, float]) -> float:
    """CPU ms of a call of the C program, over as many as make up ROUND_S."""
    program, given, one_ms = made
    count = max(1, round(1e3 * ROUND_S / one_ms))
    told = tools.run_bytes([program, str(count)], program.parent, given).output
    return float(np.mean(np.array(told.split(), np.int64))) / 1e6


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


def _row(
    spent: Mapping[str, NDArray[np.float64]], plain: float, seed: int, digest: str
) -> Measurement:
    """Median of the rounds' ratios for the quickest form. spent: ms of each round; plain: ms of
    the int8 file as it is."""
    ratios = {word: spent[FLOAT] / each for word, each in spent.items() if word != FLOAT}
    best = max(ratios, key=lambda word: float(np.median(ratios[word])))
    chosen = ratios[best]
    low, high = bootstrap(lambda at: float(np.median(chosen[at])), len(chosen), seed=seed)
    told = "; ".join(
        f"{word} {np.median(spent[word]):.3f} ms, {np.median(each):.2f} x"
        for word, each in ratios.items()
    )
    single = float(np.median(spent[FLOAT]))
    note = (
        f"quickest: {best}; {told}; float {single:.3f} ms; the int8 file as it is {plain:.3f} ms, "
        f"{single / plain:.2f} x; CPU time a picture, one thread"
    )
    share = (np.arange(len(chosen)) + 1) / len(chosen)
    series = tuple(Series(word, np.sort(each), share, kind="step") for word, each in ratios.items())
    lines = (ReferenceLine("2 x", RATIO, "x"),)
    plot = Plot("Speed of int8", "float time / int8 time", "share of rounds", series, lines=lines)
    return Measurement(float(np.median(chosen)), low, high, len(chosen), digest, note, (plot,))


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
                "One thread, float and int8 in turn, CPU time: float in ONNX Runtime with its "
                "pixel unshuffle folded; int8 in the quicker of its exact forms, which the note "
                "names (targets onnxruntime-x86 and c99-native). Median of the rounds' ratios "
                "with its bootstrap.",
            ),
        ),
        partial(measure, name),
        exclusive=True,
    )
    for name in EVERY
)
