"""1080p video on 64-bit ARM: the frames a second that the detector of road users has time for."""

from __future__ import annotations

from collections.abc import Mapping

from common.acceptance.experiment import Context, Experiment
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from common.runtime.weights import load
from edge_deploy.acceptance.subjects import files_of
from edge_deploy.bench import arm64
from edge_deploy.errors import EdgeError
from edge_deploy.pipeline import prepare_bytes

FRAMES, NETWORK = "S4-D3-K1/arm64-frames", "positioning-road-users"
SIDES_PX = 512, 960  # what 1080p is decoded to, less sky and bonnet
TARGET, CORES, CLOCK_HZ = "arm64-dotprod", 2, 2.4e9
PER_CYCLE = 1.0  # instructions, of cores that can start four: a reserve for what waits on memory


def measure(context: Context) -> Mapping[str, Measurement]:
    """The row."""
    if context.size == "quick":
        return {FRAMES: not_measured("at full size only, for its time")}
    if (files := files_of(NETWORK)) is None:
        return {FRAMES: not_measured("the direction positioning is not installed")}
    folder, stem = files
    payload = load(folder, f"{stem}_int8").payload
    network = prepare_bytes(payload, f"{stem}_int8", SIDES_PX)
    try:
        spent = arm64.ours(network, TARGET, context.scratch)
    except EdgeError as error:
        return {FRAMES: not_measured(str(error).splitlines()[0])}
    note = (
        f"{spent:,} instructions a frame on a {arm64.CORES[TARGET]}; decoding, tracking, radar and "
        "fusion are not in it"
    )
    return {FRAMES: exact(frames_s(spent), arm64.ROUNDS, content_hash(payload), note)}


def frames_s(instructions: int) -> float:
    """Frames a second that the cores have time for."""
    return CORES * CLOCK_HZ * PER_CYCLE / instructions


EXPERIMENTS = (
    Experiment(
        "road-users-on-arm64",
        (
            Indicator(
                FRAMES,
                "Two Cortex-A76 at 2.4 GHz have time for the detector on 30 frames of 1080p a "
                "second.",
                "视频处理支持1080p@30 fps；支持深度学习",
                "frames/s",
                ">=",
                30.0,
                "simulated",
                "Instructions of a frame of 960 x 512, counted under qemu-aarch64, through our C "
                "of int8 with dot products; a model turns them into time: one instruction a cycle "
                "on each of two cores.",
            ),
        ),
        measure,
    ),
)
