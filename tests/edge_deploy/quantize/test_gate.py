"""The accuracy gate and mixed precision, on a network that int8 can be made to break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from onnx import TensorProto, helper, numpy_helper

from common.runtime.session import Session
from edge_deploy.cli import app
from edge_deploy.errors import EdgeError, UnsupportedError
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file
from edge_deploy.pipeline import prepare
from edge_deploy.quantize.gate import overlap
from edge_deploy.quantize.insert import quantise
from edge_deploy.quantize.noise import SUFFIX, by_layer
from edge_deploy.reference.run import run as run_integers

pytestmark = pytest.mark.edge

CLASSES = 4
SIDE = 12
WIDTH = 6  # channels
DRAWN, PICTURES = 160, 80
BIAS = (-0.0935, -0.0366, 0.1509, -0.0681)  # each class is the largest on some pictures


def call(*words: object) -> object:
    return app(list(map(str, words)), exit_on_error=False, result_action="return_value")


def net(spread: float = 1.0, silent: float = 0.0, ends: str = "logits") -> bytes:
    """Three convolutions with ReLU, then a mean and four logits, or a map of one channel.

    spread: the first channel of `first` is divided by it and its weights in `second` multiplied:
    the same function. silent: weights of `second` on a channel that is always 0.
    """
    rng = np.random.default_rng(31)
    shapes = {
        "first": (WIDTH, 1, 3, 3),
        "second": (WIDTH, WIDTH, 3, 3),
        "third": (1 if ends == "map" else WIDTH, WIDTH, 3, 3),
    }
    weights = {
        name: rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    weights["first"] -= weights["first"].mean((2, 3), keepdims=True)
    weights["first"][1] = 0
    weights["first"][0] /= spread
    weights["second"][:, 0] *= spread
    weights["second"][:, 1] = silent
    nodes, value = [], "image"
    for name in shapes:
        nodes.append(helper.make_node("Conv", [value, name], [name + "_y"], name, pads=[1] * 4))
        value = name + "_y"
        if name != "third":
            nodes.append(helper.make_node("Relu", [value], [name + "_r"], name + "_relu"))
            value = name + "_r"
    if ends == "logits":
        weights["head"] = rng.normal(0, 1, (CLASSES, WIDTH)).astype(np.float32)
        weights["bias"] = np.array(BIAS, np.float32)
        nodes += [
            helper.make_node("GlobalAveragePool", [value], ["mean"], "mean"),
            helper.make_node("Flatten", ["mean"], ["flat"], "flat"),
            helper.make_node("Gemm", ["flat", "head", "bias"], ["logits"], "head", transB=1),
        ]
        target = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])
    else:
        nodes[-1].output[0] = "map"
        target = helper.make_tensor_value_info("map", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    source = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "net", [source], [target], constants)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def run(payload: bytes, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    session = Session(payload, warmup=0)
    (name,) = (spec.name for spec in session.outputs)
    return np.concatenate([session.run({"image": one[None]})[name] for one in samples])


def scaled(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pictures[:, None].astype(np.float32) / np.float32(255)


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    """Stripes of any direction and width, with noise; those that float tells apart clearly."""
    rng = np.random.default_rng(32)
    y, x = np.mgrid[:SIDE, :SIDE]
    turn, fine = rng.uniform(0, np.pi, DRAWN), rng.uniform(0.3, 2.5, DRAWN)
    waves = [np.sin((x * np.cos(a) + y * np.sin(a)) * f) for a, f in zip(turn, fine, strict=True)]
    noisy = 128 + 90 * np.array(waves) + rng.normal(0, 12, (DRAWN, SIDE, SIDE))
    made = np.clip(noisy, 0, 255).astype(np.uint8)
    ordered = np.sort(run(net(), scaled(made)), axis=1)
    return made[np.argsort(ordered[:, -2] - ordered[:, -1], kind="stable")[:PICTURES]]


@pytest.fixture
def classes(tmp_path: Path, pictures: NDArray[np.uint8]) -> Path:
    """The pictures in a folder for each class that float gives them."""
    named = run(net(), scaled(pictures)).argmax(1)
    for at, (picture, label) in enumerate(zip(pictures, named, strict=True)):
        folder = tmp_path / "classes" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{at}.png"), picture)
    return tmp_path / "classes"


@pytest.fixture
def data(tmp_path: Path, pictures: NDArray[np.uint8]) -> Path:
    path = tmp_path / "data.npy"
    np.save(path, scaled(pictures))
    return path


def stored(tmp_path: Path, payload: bytes) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(payload)
    return path


def quantized(
    capsys: pytest.CaptureFixture[str], model: Path, data: Path, out: Path, *more: object
) -> Any:
    call("quantize", model, "--calibration", data, "--out", out, "--json", *more)
    return json.loads(capsys.readouterr().out)


def test_the_gate_counts_what_the_written_file_names_rightly(
    tmp_path: Path, classes: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "int8.onnx"
    model = stored(tmp_path, net())
    made = quantized(capsys, model, data, out, "--check", classes)
    samples = np.load(data)
    same = run(out.read_bytes(), samples).argmax(1) == run(net(), samples).argmax(1)
    gate = made["gate"]
    assert gate["samples"] == PICTURES
    assert gate["float_score"] == 1
    assert gate["int8_score"] == pytest.approx(same.mean())
    assert gate["lost_points"] == pytest.approx(100 * (1 - same.mean()))
    assert gate["low"] <= gate["lost_points"] <= gate["high"]
    assert gate["score"] == "share named rightly"
    assert made["in_float"] is None
    assert "second_r" in {layer["layer"] for layer in made["layers"]}


def test_what_loses_too_much_is_not_written(tmp_path: Path, classes: Path, data: Path) -> None:
    out = tmp_path / "int8.onnx"
    model = stored(tmp_path, net(spread=1000))
    with pytest.raises(EdgeError, match=r"points lost .*n = 80.*second_r -?0\.0 dB.*--mixed"):
        call("quantize", model, "--calibration", data, "--out", out, "--check", classes)
    assert not out.exists()


WEIGHT_MACS = SIDE * SIDE * 9 * WIDTH
ALL_MACS = WEIGHT_MACS * (1 + 2 * WIDTH) + CLASSES * WIDTH
BROKEN = {
    # the weights alone do not fit eight bits
    "silent": (net(silent=300), ["second"], WEIGHT_MACS * WIDTH),
    # the value between two layers does not
    "spread": (net(spread=1000), ["first", "second"], WEIGHT_MACS * (1 + WIDTH)),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_mixed_precision_leaves_what_int8_breaks_in_float(
    kind: str, tmp_path: Path, classes: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    payload, layers, macs = BROKEN[kind]
    model, out = stored(tmp_path, payload), tmp_path / "int8.onnx"
    options = ("--check", classes, "--mixed")
    made = quantized(capsys, model, data, out, *options)
    assert made["in_float"]["layers"] == layers
    assert made["in_float"]["macs_share"] == pytest.approx(macs / ALL_MACS)
    assert made["gate"]["samples"] == PICTURES // 2, "judged by what was not chosen by"
    samples = np.load(data)
    wanted, got = run(payload, samples), run(out.read_bytes(), samples)
    assert (wanted.argmax(1) == got.argmax(1)).mean() > 0.9
    with pytest.raises(UnsupportedError, match=layers[0]):
        prepare(out, None)


def test_float_weights_stay_float_when_the_runtime_opens_the_file(data: Path) -> None:
    """Without what stands behind them ONNX Runtime quantises them itself."""
    import onnxruntime as ort

    samples = np.load(data)
    made = quantise(net(silent=300), list(samples[:, None]), in_float=["second"])
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = ort.InferenceSession(made, options, providers=["CPUExecutionProvider"])
    wanted = np.concatenate([plain.run(None, {"image": one[None]})[0] for one in samples])
    assert np.abs(run(made, samples) - wanted).max() < 0.1 * wanted.std()


def test_mixed_changes_nothing_where_int8_is_good_enough(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "int8.onnx"
    options = ("--check", data, "--mixed")
    made = quantized(capsys, stored(tmp_path, net()), data, out, *options)
    assert made["in_float"] is None
    assert made["gate"]["score"] == "overlap with float's decisions"
    assert prepare(out, None).graph.macs == ALL_MACS


def test_what_half_of_the_layers_cannot_mend_is_refused(
    tmp_path: Path, classes: Path, data: Path
) -> None:
    """Calibration on next to nothing clips every activation."""
    dark, out = tmp_path / "dark.npy", tmp_path / "int8.onnx"
    np.save(dark, np.load(data)[:4] / np.float32(1000))
    with pytest.raises(EdgeError, match="2 of 5 layers in float"):
        call("quantize", stored(tmp_path, net()), "--calibration", dark, "--out", out,
             "--check", classes, "--mixed")  # fmt: skip
    assert not out.exists()


def test_a_map_is_judged_where_a_threshold_decides(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = stored(tmp_path, net(ends="map")), tmp_path / "int8.onnx"
    with pytest.raises(EdgeError, match="one channel: give --threshold"):
        call("quantize", model, "--calibration", data, "--out", out, "--check", data)
    options = ("--check", data, "--threshold", 0, "--tolerance", 20)
    gate = quantized(capsys, model, data, out, *options)["gate"]
    samples = np.load(data)
    wanted, got = run(net(ends="map"), samples) >= 0, run(out.read_bytes(), samples) >= 0
    both, either = (wanted & got).sum((1, 2, 3)), (wanted | got).sum((1, 2, 3))
    shares = np.where(either, both / np.maximum(either, 1), 1)
    assert gate["int8_score"] == pytest.approx(shares.mean())
    assert 0.5 < gate["int8_score"] < 1


def test_the_text_tells_gate_and_float_layers(
    tmp_path: Path, classes: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = stored(tmp_path, net(silent=300)), tmp_path / "int8.onnx"
    call("quantize", model, "--calibration", data, "--out", out, "--check", classes,
         "--mixed")  # fmt: skip
    told = capsys.readouterr().out
    assert "Gate: share named rightly: float 1.0000" in told
    assert f"In float, {WEIGHT_MACS * WIDTH / ALL_MACS:.1%} of the MACs: second." in told
    assert "Not wholly int8" in told


def test_what_does_not_fit_is_told(tmp_path: Path, classes: Path, data: Path) -> None:
    model, out = stored(tmp_path, net()), tmp_path / "int8.onnx"
    base = ("quantize", model, "--calibration", data, "--out", out)
    with pytest.raises(EdgeError, match="--exact needs every layer"):
        call(*base, "--check", data, "--mixed", "--exact")
    with pytest.raises(EdgeError, match="need --check"):
        call(*base, "--mixed")
    with pytest.raises(EdgeError, match="need --check"):
        call(*base, "--threshold", 1)
    for tolerance in ("nan", -1, 101):
        with pytest.raises(EdgeError, match="a tolerance of"):
            call(*base, "--check", data, "--tolerance", tolerance)
    with pytest.raises(EdgeError, match=r"none\.npy: No such file"):
        call(*base, "--check", tmp_path / "none.npy")
    np.save(tmp_path / "empty.npy", np.load(data)[:0])
    with pytest.raises(EdgeError, match=r"empty\.npy: holds no samples"):
        call(*base, "--check", tmp_path / "empty.npy")
    np.save(tmp_path / "one.npy", np.load(data)[:1])
    with pytest.raises(EdgeError, match="chooses by one half"):
        call(*base, "--check", tmp_path / "one.npy", "--mixed")
    (classes / "0").rename(classes / "4")
    with pytest.raises(EdgeError, match=r"float names 0\.0% of 80 rightly.*order"):
        call(*base, "--check", classes)
    (classes / "5").mkdir()
    with pytest.raises(EdgeError, match="5 folders, the network tells 4 classes"):
        call(*base, "--check", classes)
    assert not out.exists()


def test_the_noise_is_that_of_the_integers(data: Path) -> None:
    """The same decibels as the integer reference gives; alone, the first layer's are the same."""
    samples = list(np.load(data)[:4, None])
    payload = net()
    made = quantise(payload, samples)
    told = {one.layer: one.decibels for one in by_layer(payload, made, samples)}
    graph = from_file(open_bytes(made), "net")
    source = graph.tensors[graph.inputs[0]]
    steps = np.rint(np.concatenate(samples) / np.float32(source.scale)) + source.zero_point
    integers = run_integers(
        graph, {source.name: np.clip(steps, 0, 255).astype(np.uint8)}, keep=True
    )
    tensor = graph.tensors["logits" + SUFFIX]
    real = (integers[tensor.name].astype(np.float64) - tensor.zero_point) * tensor.scale
    wanted = run(payload, np.concatenate(samples))
    ratio = np.square(wanted).sum() / np.square(wanted - real).sum()
    assert told["logits"] == pytest.approx(10 * np.log10(ratio), abs=0.5)
    alone = {one.layer: one.decibels for one in by_layer(payload, made, samples, alone=True)}
    assert alone["first_r"] == pytest.approx(told["first_r"], abs=0.01)
    assert alone["logits"] > told["logits"], "what earlier layers add is not its own"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_overlap_is_one_for_the_same_and_knows_no_side(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs, np.int64).T
    for only_one in (False, True):
        assert overlap(a, b, only_one) == overlap(b, a, only_one)
        assert 0 <= overlap(a, b, only_one) <= 1
        assert overlap(a, a, only_one) == 1
    assert (overlap(a, b, False) == 1) == np.array_equal(a, b)
