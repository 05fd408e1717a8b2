"""The bundle for 64-bit ARM: identical answers, nothing from the network, one whole pipeline.

The programs are static aarch64 ones and run under qemu's user-mode emulation: the instructions are
those of a board, their time is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from common.directions import Direction, find
from common.drivers.recorder import Recorder
from common.drivers.registry import open_driver
from common.runtime.weights import load
from edge_deploy.acceptance.subjects import (
    FCN,
    FCN_STEM,
    FCN_THRESHOLD,
    Subject,
    inspection_weights,
    station_camera,
    subjects,
)
from edge_deploy.arm64 import bundle, emulate
from edge_deploy.pipeline import prepare_bytes
from edge_deploy.recordings import frames
from edge_deploy.verify import onnxruntime, tools
from edge_deploy.verify.inputs import make
from edge_deploy.verify.programs import pack

INPUTS = {"quick": 2, "full": 64}
FRAMES = {"quick": 8, "full": 200}
SIDE = {"quick": 128, "full": 256}
QUICK = ("detector", FCN)  # at quick size these two; at full size every network
SHOWN = 6
TOOLS = (bundle.TARGET.compiler, emulate.EMULATOR)
ANSWERS, OFFLINE = "S4-D6-K1/arm64-answers", "S4-D6-K1/arm64-offline"
DECISIONS = "S4-D9-K3/arm64-decisions"


def measure_nets(context: Context) -> Mapping[str, Measurement]:
    """Every network's program on the board's instructions."""
    if reason := tools.missing(TOOLS):
        return {row: not_measured(reason) for row in (ANSWERS, OFFLINE)}
    found = [one for one in subjects(context, 1) if context.full or one.name in QUICK]
    inputs = INPUTS[context.size]
    wrong, values, notes, calls = 0, 0, [], set[str]()
    for done, one in enumerate(found):
        context.progress(done, len(found), f"{one.name} on 64-bit ARM")
        differ, size, peak, called = _answers(one, context.scratch / one.name, inputs, context.seed)
        wrong, values, calls = wrong + differ, values + size, calls | called
        notes.append(f"{one.name} {differ} of {size:,} ({peak:,} KiB more than without pictures)")
    digest = content_hash(inputs, *(one.network.payload for one in found))
    count = inputs * len(found)
    network = sorted(calls & emulate.NETWORK)
    return {
        ANSWERS: exact(wrong, count, digest, f"{', '.join(notes)}; peak memory under emulation"),
        OFFLINE: exact(len(network), len(found), digest, f"calls made: {', '.join(sorted(calls))}"),
    }


def _answers(one: Subject, folder: Path, count: int, seed: int) -> tuple[int, int, int, set[str]]:
    """Bytes that differ from ONNX Runtime's, of how many; peak memory in KiB; system calls."""
    graph = one.network.graph
    inputs = make(graph, count, seed, one.real)
    bundle.write(graph, one.network.sources, folder, inputs)
    emulate.check(folder)
    program = folder / "bin" / "net"
    ran = emulate.run(program, given=pack(graph, graph.inputs, inputs))
    idle = emulate.run(program)
    one_picture = pack(graph, graph.inputs, {name: value[:1] for name, value in inputs.items()})
    traced = emulate.run(program, given=one_picture, trace=True)
    wanted = pack(graph, graph.outputs, onnxruntime.run(one.network.payload, graph, inputs))
    pair = [np.frombuffer(answer, np.uint8) for answer in (ran.answer, wanted)]
    differ = int((pair[0] != pair[1]).sum()) if pair[0].size == pair[1].size else pair[1].size
    return differ, len(wanted), ran.peak_kib - idle.peak_kib, set(traced.calls)


def measure_pipeline(context: Context) -> Mapping[str, Measurement]:
    """A recorded stream through the bundle and through inspection's own pipeline."""
    direction, folder = find("inspection"), inspection_weights()
    if direction is None or folder is None:
        return {DECISIONS: not_measured("the direction inspection is not installed")}
    if reason := tools.missing(TOOLS):
        return {DECISIONS: not_measured(reason)}
    count, side = FRAMES[context.size], SIDE[context.size]
    recording = context.scratch / "station.mcap"
    _record(recording, side, count, context.seed)
    model = load(folder, f"{FCN_STEM}_int8")
    threshold = model.card.score[FCN_THRESHOLD]
    seen = frames(recording)
    network = prepare_bytes(model.payload, f"{FCN_STEM}_int8", (side, side))
    target = context.scratch / "bundle"
    stream = bundle.Stream(seen, threshold)
    inputs = make(network.graph, 2, context.seed)
    bundle.write(network.graph, network.sources, target, inputs, stream)
    emulate.check(target)
    ran = emulate.run(target / "bin" / "decide", target / "vectors" / "frames.pgm")
    told = [json.loads(line) for line in ran.answer.splitlines()]
    own = _inspected(direction, recording, model.payload, threshold, count)
    differ = sum(_sorted(one) != _sorted(other) for one, other in zip(told, own, strict=True))
    rejected = sum(one["defective"] for one in told)
    note = (
        f"{rejected} of {count} parts of {side} x {side} px rejected, "
        f"{sum(len(one['regions']) for one in told)} regions; peak {ran.peak_kib:,} KiB with the "
        "emulator; the naming and measuring of regions is not in the bundle"
    )
    shown: tuple[Figure, ...] = (_picture(seen, told),)
    return {DECISIONS: exact(differ, count, content_hash(np.stack(seen)), note, shown)}


def _record(path: Path, side: int, count: int, seed: int) -> None:
    with (
        Recorder(path) as recorder,
        open_driver(station_camera(side, count, seed)) as camera,
        recorder.tee(camera) as recorded,
    ):
        for _ in range(count):
            recorded.read(timeout_s=300.0)


def _inspected(
    direction: Direction, recording: Path, payload: bytes, threshold: float, count: int
) -> list[dict[str, Any]]:
    """What inspection's own pipeline says of the replayed stream, in the program's words."""
    method = direction.load("methods.segment").Segment(payload, threshold)
    pipeline = direction.load("pipeline").Pipeline(method)
    replay = {"kind": "camera", "type": "replay", "path": str(recording), "pace": "fast"}
    made = []
    with open_driver(replay) as camera:
        for frame in range(count):
            found = pipeline.step(camera.read(timeout_s=300.0)).value
            regions = [
                {"box_px": [round(edge) for edge in one.box_px], "score": _nine(one.score)}
                for one in found.regions
            ]
            made.append(
                {
                    "frame": frame,
                    "defective": found.is_defective,
                    "score": _nine(found.score),
                    "regions": regions,
                }
            )
    return made


def _sorted(told: dict[str, Any]) -> dict[str, Any]:
    """With the regions in one order: that of the labels is each library's own."""
    return {**told, "regions": sorted(told["regions"], key=lambda one: tuple(one["box_px"]))}


def _nine(value: float) -> float:
    return float(f"{value:.9g}")


def _picture(seen: list[Any], told: list[dict[str, Any]]) -> Picture:
    """The first frames with the board's regions."""
    import cv2

    drawn = []
    for frame, one in list(zip(seen, told, strict=True))[:SHOWN]:
        colour = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
        for region in one["regions"]:
            x0, y0, x1, y1 = region["box_px"]
            cv2.rectangle(colour, (x0, y0), (x1 - 1, y1 - 1), (0, 0, 255), 1)
        drawn.append(colour)
    _, encoded = cv2.imencode(".png", np.hstack(drawn))
    return Picture(encoded.tobytes(), "Recorded parts and the regions that the ARM program tells")


EXPERIMENTS = (
    Experiment(
        "arm64-networks",
        (
            Indicator(
                ANSWERS,
                "Every network's bundle answers on 64-bit ARM what ONNX Runtime answers here.",
                "自主可控的CPU、AI芯片与框架",
                "bytes",
                "==",
                0,
                "simulated",
                "Static aarch64 program of the bundle under qemu-aarch64; checksums and expected "
                "vectors by its own check, then output bytes against ONNX Runtime's.",
            ),
            Indicator(
                OFFLINE,
                "The bundle's programs make no call to the network.",
                "自主可控的CPU、AI芯片与框架",
                "kinds of calls",
                "==",
                0,
                "simulated",
                "System calls as qemu-aarch64 traces them, those of sockets counted.",
            ),
        ),
        measure_nets,
    ),
    Experiment(
        "arm64-pipeline",
        (
            Indicator(
                DECISIONS,
                "The ARM program decides on a recorded stream as inspection's pipeline does.",
                "至少1套基于嵌入式处理FPGA和ARM专用芯片的系统",
                "frames",
                "==",
                0,
                "simulated",
                "Simulated station recorded to MCAP; preprocessing, int8 network, threshold and "
                "regions in C under qemu-aarch64 against inspection's Python pipeline: decision, "
                "score, and every box and its score.",
            ),
        ),
        measure_pipeline,
    ),
)
