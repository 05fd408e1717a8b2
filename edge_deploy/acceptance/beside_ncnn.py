"""64-bit ARM: instructions of our C beside ncnn's for the same network, under qemu-aarch64."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from edge_deploy.acceptance.subjects import NAMES, subject
from edge_deploy.bench import arm64
from edge_deploy.errors import EdgeError

MOST = 1.3
GUIDE = "面向FPGA和ARM的量化与实现"


def measure(name: str, context: Context) -> Mapping[str, Measurement]:
    """The row of one network: the worse of the two cores."""
    if context.size == "quick":
        return {_id(name): not_measured("at full size only, for its time")}
    found = subject(name, context, 1)
    if found is None:
        return {_id(name): not_measured("the direction inspection is not installed")}
    model, graph = context.scratch / f"{name}.onnx", found.network.graph
    model.write_bytes(found.float_payload)
    shape = graph.tensors[graph.inputs[0]].shape
    scratch = context.scratch / name
    scratch.mkdir()
    counts = {}
    try:
        for target, core in arm64.CORES.items():
            own = arm64.ours(found.network, target, scratch)
            counts[core] = (own, arm64.ncnns(model, shape, target, scratch))
    except EdgeError as error:
        return {_id(name): not_measured(str(error).splitlines()[0])}
    digest = content_hash(found.network.payload, found.float_payload)
    return {_id(name): _row(name, counts, digest)}


def _row(name: str, counts: Mapping[str, tuple[int, int]], digest: str) -> Measurement:
    ratios = {core: own / peer for core, (own, peer) in counts.items()}
    note = "; ".join(
        f"{core}: {own:,} beside {peer:,}, {ratios[core]:.2f}"
        for core, (own, peer) in counts.items()
    )
    cores = [*counts]
    series = (
        Series("ours, int8", range(len(cores)), [counts[core][0] for core in cores], kind="points"),
        Series("ncnn", range(len(cores)), [counts[core][1] for core in cores], kind="points"),
    )
    title = f"{name} on {' (0) and '.join(cores)} (1)"
    return exact(
        max(ratios.values()),
        len(cores),
        digest,
        note,
        (Plot(title, "core", "instructions", series),),
    )


def _id(name: str) -> str:
    return f"S4-D9-R4/arm64-beside-ncnn-{name}"


EXPERIMENTS = tuple(
    Experiment(
        f"arm64-beside-ncnn-{name}",
        (
            Indicator(
                _id(name),
                f"On 64-bit ARM {name} takes at most 1.3 times the instructions that ncnn takes.",
                GUIDE,
                "ratio",
                "<=",
                MOST,
                "simulated",
                "Instructions of a picture under qemu-aarch64, counted by a plug-in between "
                "readings of the CPU clock: our C of int8 beside ncnn on the float file, which "
                "pnnx converts and whose precision ncnn chooses for the core; Cortex-A53 (no dot "
                "products) and Cortex-A76 (dot products, half precision), the worse of the two.",
            ),
        ),
        partial(measure, name),
    )
    for name in NAMES
)
