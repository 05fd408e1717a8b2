"""From data and limits to a deployed, verified network: what `lingnan edge search` does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import MissingExtraError
from edge_deploy.c.build import TARGETS
from edge_deploy.c.deploy import deploy
from edge_deploy.errors import EdgeError
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file
from edge_deploy.pipeline import prepare_bytes
from edge_deploy.quantize.exact import make_exact
from edge_deploy.quantize.insert import quantise
from edge_deploy.reference.run import run
from edge_deploy.search.cost import Cost, Limits, cost
from edge_deploy.search.data import SIDE_PX, Labelled
from edge_deploy.search.engines import Candidates, Name, found, search
from edge_deploy.search.fpga import CLOCK_HZ, room
from edge_deploy.search.latency import Prices
from edge_deploy.search.space import Architecture, coordinates, every
from edge_deploy.verify.compare import compare
from edge_deploy.verify.inputs import make

if TYPE_CHECKING:
    from edge_deploy.train.supernet import Shared

CALIBRATION, VERIFIED = 128, 256  # pictures
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Steps:
    """Of learning: the supernet's, and the chosen architecture's by itself."""

    shared: int = 500
    alone: int = 500


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The architectures that a device allows, with what each costs."""

    architectures: tuple[Architecture, ...]
    costs: tuple[Cost, ...]
    candidates: Candidates


def within(limits: Limits, classes: int, prices: Prices | None = None) -> Space:
    """The part of the space that keeps within `limits`; fronts are told of the instructions, or of
    the multiply-accumulates where there are no prices. EdgeError where nothing does."""
    architectures = every()
    costs = [cost(one, SIDE_PX, classes, prices) for one in architectures]
    kept = [at for at, one in enumerate(costs) if limits.allow(one)]
    if kept and limits.on_fpga:
        for at in kept:
            costs[at] = limits.fitted(architectures[at], costs[at], SIDE_PX, classes)
        fastest = max(costs[at].frames_hz for at in kept)
        kept = [at for at in kept if limits.fast_enough(costs[at])]
        if not kept:
            raise EdgeError(
                f"no network within the other limits is fast enough on the FPGA: the fastest does "
                f"{fastest:,.0f} pictures a second"
            )
    if not kept:
        least = min(costs, key=lambda one: one.macs)
        raise EdgeError(
            f"nothing keeps within the limits; the least takes {least.macs:,} multiply-accumulates "
            f"and {min(one.arena for one in costs):,} bytes"
        )
    spent = np.array([costs[at].instructions if prices else costs[at].macs for at in kept])
    places = np.stack([coordinates(architectures[at]) for at in kept])
    candidates = Candidates(places, spent / spent.max(), 1.0)
    return Space(
        tuple(architectures[at] for at in kept), tuple(costs[at] for at in kept), candidates
    )


def supernet(data: Labelled, steps: int, seed: int) -> Shared:
    """The trained supernet. MissingExtraError without PyTorch."""
    try:
        from edge_deploy.train.supernet import learn_shared
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train") from None
    return learn_shared(data, steps, seed)


def judge(net: Shared, space: Space, data: Labelled) -> Callable[[int], float]:
    """Validation error of a candidate with the supernet's weights, each computed once."""
    from edge_deploy.train.supernet import error

    told: dict[int, float] = {}

    def evaluate(at: int) -> float:
        if at not in told:
            told[at] = error(net, space.architectures[at], data)
        return told[at]

    return evaluate


def search_and_deploy(
    data: Labelled,
    limits: Limits,
    out: Path,
    engine: Name,
    budget: int,
    seed: int,
    steps: Steps,
    tell: Tell,
) -> dict[str, Any]:
    """Search, train, quantise, write C99 to `out` and verify it; what was done as plain data.

    The architecture of least validation error within the limits is taken, the cheapest of equals.
    EdgeError where `out` holds anything, nothing fits, or an integer differs.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise EdgeError(f"{out} is not an empty folder: name a new one")
    if budget < 1:
        raise EdgeError(f"a budget of {budget}: at least one architecture must be tried")
    space = within(limits, data.classes)
    tell(0, 4, "learning the supernet")
    net = supernet(data, steps.shared, seed)
    tell(1, 4, "searching")
    evaluate = judge(net, space, data)
    errors = search(engine, space.candidates, evaluate, budget, seed)
    best = min(errors, key=lambda at: (errors[at], space.candidates.costs[at]))
    tell(2, 4, "learning the chosen architecture")
    from edge_deploy.train.supernet import learn_alone

    payload = learn_alone(net, space.architectures[best], data, steps.alone, seed)
    tell(3, 4, "quantising and verifying")
    told = _delivered(payload, data, out, space.costs[best], seed)
    if limits.on_fpga:
        told |= _verilog(out, limits)
    shown = [
        {"name": space.architectures[at].name, "error": errors[at], "macs": space.costs[at].macs}
        for at in found(space.candidates, errors)
    ]
    chosen = {"architecture": space.architectures[best].name, "engine": engine, "seed": seed}
    return {**chosen, "evaluated": len(errors), "allowed": len(space.costs), "front": shown, **told}


def _delivered(
    payload: bytes, data: Labelled, out: Path, expected: Cost, seed: int
) -> dict[str, Any]:
    """Quantised, compared with ONNX Runtime in C99, and written with its files."""
    learned = np.random.default_rng(seed).permutation(len(data.learned))[:CALIBRATION]
    samples = [_float(data.learned[at]) for at in learned]
    made, _ = make_exact(quantise(payload, samples))
    network = prepare_bytes(made, "searched")
    inputs = make(network.graph, VERIFIED, seed, data.asked[:, None])
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(network, inputs, Path(folder), ("c99",), sizes=False)
    c99 = rows[-1]
    if c99.mismatches is None:
        raise EdgeError(f"C99 could not be verified: {c99.note}")
    if c99.mismatches:
        raise EdgeError(f"C99 differs from ONNX Runtime in {c99.mismatches} of {c99.values} values")
    few = {name: value[:16] for name, value in inputs.items()}
    deploy(network.graph, network.sources, TARGETS["c99"], out, few)
    (out / "searched_fp32.onnx").write_bytes(payload)
    (out / "searched_int8.onnx").write_bytes(made)
    plan = network.sources.memory.plan
    return {
        "macs": network.graph.macs,
        "arena_bytes": plan.size,
        "expected_macs": expected.macs,
        "expected_arena_bytes": expected.arena,
        "accuracy_int8": _accuracy(made, data),
        "verified": c99.pictures,
        "mismatches": c99.mismatches,
    }


def _verilog(out: Path, limits: Limits) -> dict[str, Any]:
    """The learned network's design within the limits, written beside the C; what it takes."""
    from edge_deploy.fpga.deploy import deploy as write

    graph = prepare_bytes((out / "searched_int8.onnx").read_bytes(), "searched").graph
    made = write(graph, out / "verilog", room(limits.dsp)).design
    return {"dsp": made.estimate.dsp, "frames_hz": CLOCK_HZ / made.folding.interval}


def _accuracy(payload: bytes, data: Labelled) -> float:
    """Of the judged part, by the integers of the reference."""
    graph = from_file(open_bytes(payload, None), "searched")
    named = run(graph, {graph.inputs[0]: data.asked[:, None]})[graph.outputs[0]].argmax(1)
    return float((named == data.wanted).mean())


def _float(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return picture[None, None].astype(np.float32) / np.float32(255)
