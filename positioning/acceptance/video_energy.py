"""S4-D3-R4: what the detector's frame costs by multiply-accumulates and bytes. A model."""

from __future__ import annotations

from collections.abc import Mapping

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from common.errors import MissingExtraError


def measure(context: Context) -> Mapping[str, Measurement]:
    """Of the shipped network."""
    from common.runtime.weights import load
    from positioning.video.detector import HEIGHT, WEIGHTS, WIDTH
    from positioning.video.energy import BYTE_J, MAC_J, work_of

    del context
    payload = load(WEIGHTS, "road_users_fp32").payload
    try:
        work = work_of(payload, (HEIGHT, WIDTH))
    except MissingExtraError as error:
        return {ENERGY.id: not_measured(str(error))}
    int8, fp32 = (1e3 * work.energy_j(width) for width in (1, 4))
    note = (
        f"int8 {int8:.2f} mJ a frame, {30 * int8:.0f} mW at 30 frames/s; float {fp32:.2f} mJ; "
        f"{work.macs / 1e9:.2f} GMAC and {work.numbers / 1e6:.1f} million numbers a frame. "
        "A model of memory and arithmetic, no chip: this machine takes far more."
    )
    bits = (8, 32)
    parts = (
        Series("arithmetic", bits, [1e3 * work.macs * MAC_J[b // 8] for b in bits], kind="points"),
        Series("memory", bits, [125 * work.numbers * b * BYTE_J for b in bits], kind="points"),
    )
    plot = Plot("Energy of a frame by the model", "bits a number", "energy [mJ]", parts)
    return {ENERGY.id: exact(int8 / fp32, 1, content_hash(payload), note, (plot,))}


ENERGY = Indicator(
    id="S4-D3-R4/energy",
    claim="By the model a frame through the int8 detector takes a quarter of float's energy.",
    guide="低功耗多模态感算一体：雷达与视频融合",
    unit="ratio",
    comparator="<=",
    target=0.25,
    evidence="simulated",
    method=(
        "Multiply-accumulates and tensors of the shipped graph, by the energies of a 45 nm process "
        "(Horowitz, ISSCC 2014), every tensor written to and read from external memory once."
    ),
)
EXPERIMENTS = (Experiment("video-energy", (ENERGY,), measure),)
