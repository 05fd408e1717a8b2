"""The trained detector as ONNX, in float and in int8, with a check that they agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from common.errors import LingnanError
from common.runtime.manifest import NAME, ModelCard
from common.runtime.publish import card_of, write_manifest
from common.runtime.session import Session
from common.runtime.weights import verify_folder
from positioning.train.detector_net import RoadUsers
from positioning.train.detector_pool import Frame, render_pool
from positioning.video.detector import HEIGHT, WIDTH, boxes_of, iou

FREE = {"x": ("height", "width"), "heat": ("rows", "columns"), "box": ("rows", "columns")}
CHECK_SEED, CHECK_FRAMES = 77, 60
AGREE = 0.95  # share of the float network's sure boxes that int8 finds again
SURE = 0.5
LEAST = 50  # sure boxes, fewer of which say nothing
RANGES = {"heat": (-8.0, 5.0), "box": (-1.8, 4.2)}  # of the outputs: what is beyond is cut off

F32 = NDArray[np.float32]


class _Samples(CalibrationDataReader):
    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = iter(frames)

    def get_next(self) -> dict[str, F32] | None:
        frame = next(self._frames, None)
        return None if frame is None else {"x": np.divide(_planes(frame), 255, dtype=np.float32)}


def _planes(frame: Frame) -> NDArray[np.uint8]:
    return np.ascontiguousarray(frame.pixels.transpose(2, 0, 1)[None])


def export(
    net: RoadUsers,
    folder: Path,
    data: str,
    command: str,
    samples: list[Frame],
    log: Callable[[str], None],
) -> None:
    """road_users_fp32.onnx and road_users_int8.onnx with their cards; LingnanError where int8
    does not find again what float finds."""
    folder.mkdir(parents=True, exist_ok=True)
    core = float_core(net)
    models = {
        "road_users_fp32": fed_with_bytes(core),
        "road_users_int8": fed_with_bytes(quantised(core, samples)),
    }
    agreed = agreement(models, list(render_pool(CHECK_SEED, CHECK_FRAMES)))
    log(f"int8 finds {agreed:.4f} of what float finds")
    if agreed < AGREE:
        raise LingnanError(f"int8 finds only {agreed:.3f} of what float finds, wanted {AGREE}")
    known: dict[str, ModelCard] = {}
    if (folder / NAME).exists():
        known = {n: c for n, c in verify_folder(folder).models.items() if n not in models}
    for name, model in models.items():
        onnx.save(model, folder / f"{name}.onnx")
        known[name] = card_of(
            folder / f"{name}.onnx",
            licence="Apache-2.0",
            data=data,
            command=command,
            score={"int8_finds_of_float": agreed},
            units={"image": "BGR, 0..255", "heat": "logit", "box": "log of cells of 8 px"},
        )
    write_manifest(folder, known)


def float_core(net: RoadUsers) -> onnx.ModelProto:
    """The network on "x" (1, 3, height, width) float32 in 0..1; sides are multiples of 64."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "core.onnx")
        torch.onnx.export(
            net.eval(), (torch.zeros(1, 3, HEIGHT, WIDTH),), str(path), opset_version=17,
            input_names=["x"], output_names=["heat", "box"], dynamo=False,
            dynamic_axes={name: {2: up, 3: along} for name, (up, along) in FREE.items()},
        )  # fmt: skip
        return onnx.load(path)


def quantised(core: onnx.ModelProto, samples: Iterable[Frame]) -> onnx.ModelProto:
    """uint8 activations and int8 weights a channel, ranges from samples.

    Outputs have the ranges that boxes are told in: cells without a body, of which nothing was
    learned, would stretch them."""
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch, "float.onnx"), Path(scratch, "int8.onnx")
        onnx.save(core, source)
        ranges = {
            name: [{"rmin": np.float32(low), "rmax": np.float32(high)}]
            for name, (low, high) in RANGES.items()
        }
        quantize_static(
            source, target, _Samples(samples), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            extra_options={"TensorQuantOverrides": ranges},
        )  # fmt: skip
        return onnx.load(target)


def fed_with_bytes(core: onnx.ModelProto) -> onnx.ModelProto:
    """`core` with input "image" uint8: one DequantizeLinear in steps of 1/255, which in a
    quantised core takes the place of the pair that rounded x."""
    model = onnx.ModelProto()
    model.CopyFrom(core)
    graph, source = model.graph, "x"
    for rounds in [n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "x"]:
        (back,) = [n for n in graph.node if rounds.output[0] in n.input]
        source = back.output[0]
        graph.node.remove(rounds)
        graph.node.remove(back)
    graph.initializer.append(numpy_helper.from_array(np.array(1 / 255, np.float32), "step"))
    graph.initializer.append(numpy_helper.from_array(np.array(0, np.uint8), "black"))
    feed = helper.make_node("DequantizeLinear", ["image", "step", "black"], [source], name="feed")
    graph.node.insert(0, feed)
    graph.input.remove(graph.input[0])
    shape = [1, 3, *FREE["x"]]
    graph.input.append(helper.make_tensor_value_info("image", TensorProto.UINT8, shape))
    onnx.checker.check_model(model)
    return model


def agreement(models: dict[str, onnx.ModelProto], frames: list[Frame]) -> float:
    """Share of the float network's sure boxes that int8 has with the same label and IoU >= 0.7."""
    sessions = [Session(model.SerializeToString()) for model in models.values()]
    sure = found = 0
    for frame in frames:
        outs = [session.run({"image": _planes(frame)}) for session in sessions]
        whole, small = (
            boxes_of(out["heat"][0], out["box"][0], 1.0, threshold=at, overlap=0.5)
            for out, at in zip(outs, (SURE, SURE - 0.2), strict=True)
        )
        same = whole.labels[:, None] == small.labels[None]
        sure += len(whole)
        found += int(((iou(whole.boxes_px, small.boxes_px) >= 0.7) & same).any(1).sum())
    if sure < LEAST:
        raise LingnanError(f"the network is sure of {sure} boxes only: train it longer")
    return found / sure
