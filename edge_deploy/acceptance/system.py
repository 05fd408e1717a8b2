"""A whole board, simulated: camera frames to decisions through driver, bus and accelerator."""

from __future__ import annotations

import json

import cv2
import numpy as np

from common.acceptance.experiment import Context
from common.acceptance.figures import Picture
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from common.runtime.weights import load
from edge_deploy.acceptance.subjects import FCN_STEM, FCN_THRESHOLD, Subject, inspection_weights
from edge_deploy.arm64 import bundle, decision
from edge_deploy.fpga.cosim import Program
from edge_deploy.reference.run import run
from edge_deploy.system import build
from edge_deploy.system.run import FATAL, MENDED, System

GUIDE = "至少1套基于嵌入式处理FPGA和ARM专用芯片的系统"
FRAMES = {"quick": 8, "full": 40}
WHOLE = {"quick": 3, "full": 40}  # frames of which every integer is compared
SHOWN = 8
DECISIONS, FAULTS = "S4-D9-K3/system-decisions", "S4-D9-K3/system-faults"


def measure(found: Subject, accelerator: Program, context: Context) -> dict[str, Measurement]:
    """Decisions, integers and faults of the subject's network as a system."""
    if reason := build.missing():
        return dict.fromkeys((DECISIONS, FAULTS), not_measured(reason))
    folder = inspection_weights()
    if folder is None or found.real is None:
        reason = "the direction inspection is not installed"
        return dict.fromkeys((DECISIONS, FAULTS), not_measured(reason))
    threshold = load(folder, f"{FCN_STEM}_int8").card.score[FCN_THRESHOLD]
    made = build.system(accelerator, found.network.sources, threshold, context.scratch / "system")
    frames = list(found.real[: FRAMES[context.size], 0])
    wanted = bundle.decide_all(made.graph, made.rule, frames)
    whole = found.real[: WHOLE[context.size]]
    digest = content_hash(np.stack(frames))
    return {
        DECISIONS: _decided(made, frames, wanted, whole, digest),
        FAULTS: _faults(made, frames, wanted, digest),
    }


def _decided(
    made: System,
    frames: list[np.ndarray],
    wanted: list[decision.Decision],
    whole: np.ndarray,
    digest: str,
) -> Measurement:
    ran = made.decide(frames)
    told = _told(ran.answer)
    lines = [one.line(at) for at, one in enumerate(wanted)]
    differ = sum(one != other for one, other in zip(told, lines, strict=True))
    inputs = {made.graph.inputs[0]: whole}
    integers, reference = made.integers(inputs), run(made.graph, inputs)
    wrong = sum(int((integers[name] != value).sum()) for name, value in reference.items())
    values = sum(value.size for value in reference.values())
    rejected = sum(one.defective for one in wanted)
    height, width = frames[0].shape
    note = (
        f"{rejected} of {len(frames)} parts of {height} x {width} px rejected, "
        f"{sum(len(one.regions) for one in wanted)} regions; {wrong} of {values:,} integers of "
        f"{len(whole)} frames differ; {ran.cycles[0]:,} cycles a frame, one at a time"
    )
    picture = _picture(frames, told)
    return exact(differ + wrong, len(frames) + len(whole), digest, note, (picture,))


def _faults(
    made: System, frames: list[np.ndarray], wanted: list[decision.Decision], digest: str
) -> Measurement:
    """A fatal fault must end the program with its message and no decision; others are mended."""
    right = wanted[0].line(0)
    missed = []
    for fault, message in {**FATAL, **MENDED}.items():
        ran = made.decide(frames[:1], fault)
        lines = [] if fault in FATAL else [right]
        seen = message in ran.told and ran.failed == (fault in FATAL)
        if not seen or _told(ran.answer) != lines:
            missed.append(fault)
    tried = len(FATAL) + len(MENDED)
    note = f"{', '.join(FATAL)}: refused with a message; {', '.join(MENDED)}: sent again"
    return exact(len(missed), tried, digest, f"missed: {', '.join(missed)}" if missed else note)


def _told(answer: bytes) -> list[str]:
    return answer.decode("utf-8", "replace").splitlines()


def _picture(frames: list[np.ndarray], told: list[str]) -> Picture:
    drawn = []
    for frame, line in zip(frames[:SHOWN], told, strict=False):
        colour = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
        for region in json.loads(line)["regions"]:
            x0, y0, x1, y1 = region["box_px"]
            cv2.rectangle(colour, (x0, y0), (x1 - 1, y1 - 1), (0, 0, 255), 1)
        drawn.append(cv2.resize(colour, (160, 160), interpolation=cv2.INTER_NEAREST))
    _, encoded = cv2.imencode(".png", np.hstack(drawn))
    return Picture(encoded.tobytes(), "Frames of the simulated camera and the system's regions")


INDICATORS = (
    Indicator(
        DECISIONS,
        "A board of ARM and FPGA decides on camera frames as the reference does.",
        GUIDE,
        "frames and values",
        "==",
        0,
        "simulated",
        "Driver, pre- and post-processing as an aarch64 program under qemu-aarch64; registers, "
        "movers and network as Verilated RTL; frames of the simulated station. Decision, score, "
        "boxes, and every integer of some frames, against the numpy reference.",
    ),
    Indicator(
        FAULTS,
        "Every fault of the accelerator is told, and none gives a wrong decision.",
        GUIDE,
        "faults missed",
        "==",
        0,
        "simulated",
        "Injected in the middle of a frame: another device, another network's design, a transfer "
        "that stops, one cut short, a reset.",
    ),
)
