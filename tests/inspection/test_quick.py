"""The network in quicker kernels says the same to the bit, and what it does not know it leaves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from common.runtime.scan import scan
from common.runtime.session import Session
from common.runtime.weights import load
from inspection.models.fcn import MULTIPLE, WEIGHTS, Fcn
from inspection.models.quick import blocked, quick
from inspection.models.shipped import learned, name_of, network

pytestmark = pytest.mark.inspection


def frames() -> list[np.ndarray]:
    """Noise, steps and extremes, of sides that are divided by 16 and by no more."""
    rng = np.random.default_rng(43)
    found = []
    for height, width in ((16, 16), (48, 80), (208, 112), (256, 256)):
        noise = rng.integers(0, 256, (height, width)).astype(np.uint8)
        steps = np.kron(noise[: height // 16, : width // 16], np.ones((16, 16), np.uint8))
        found += [noise, steps, np.full_like(noise, 255), np.zeros_like(noise)]
    return found


@pytest.mark.parametrize("material", learned())
def test_every_shipped_network_says_the_same_to_the_bit(material: str) -> None:
    payload = load(WEIGHTS, name_of(material)).payload
    plain, fast = Session(payload), Fcn(payload)
    told = set()
    for frame in frames():
        (wanted,) = plain.run({"image": frame[None, None]}).values()
        found = fast.logits(frame)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, wanted[0, 0])
        told.update(found.ravel().tolist())
    assert len(told) > 20  # maps that say something


def test_the_form_holds_integer_kernels_alone() -> None:
    kinds = scan(quick(network("metal")[0].payload, MULTIPLE)).ops
    assert kinds["QLinearConv"] == 18 and kinds["DequantizeLinear"] == 1
    assert not kinds.keys() & {"Conv", "Resize", "QuantizeLinear"}


def test_a_network_of_floats_stays_as_it_is() -> None:
    payload = load(WEIGHTS, name_of("metal", "fp32")).payload
    assert quick(payload, MULTIPLE) is payload


Change = Callable[..., None]


def _uneven_weights(model) -> None:  # type: ignore[no-untyped-def]
    from onnx import numpy_helper

    for tensor in model.graph.initializer:
        if tensor.name == "down.weight_zero_point":
            values = np.ones(tensor.dims[0], np.int8)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _smooth_resize(model) -> None:  # type: ignore[no-untyped-def]
    (node,) = (one for one in model.graph.node if one.op_type == "Resize")
    (mode,) = (one for one in node.attribute if one.name == "mode")
    mode.s = b"linear"


def _dilated(model) -> None:  # type: ignore[no-untyped-def]
    from onnx import helper

    (node,) = (one for one in model.graph.node if one.name == "near.0")
    node.attribute.append(helper.make_attribute("dilations", [1, 1]))


def _clipped(model) -> None:  # type: ignore[no-untyped-def]
    from onnx import helper

    (node,) = (one for one in model.graph.node if one.name == "near.1")
    at = list(model.graph.node).index(node)
    model.graph.node.insert(at, helper.make_node("Relu", [node.input[0]], ["clipped"]))
    node.input[0] = "clipped"


@pytest.mark.parametrize("change", [_uneven_weights, _smooth_resize, _dilated, _clipped])
def test_another_network_stays_as_it_is_and_runs(change: Change) -> None:
    onnx = pytest.importorskip("onnx", reason="the models are changed with onnx: lingnan[train]")
    model = onnx.load_from_string(network("metal")[0].payload)
    change(model)
    payload = model.SerializeToString()
    assert quick(payload, MULTIPLE) is payload
    assert Fcn(payload).logits(np.full((32, 32), 90, np.uint8)).shape == (4, 4)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]), st.integers(1, 5), st.integers(1, 3),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_sums_over_blocks_are_the_sums(
    block: int, stride: int, taps: int, channels: int, seed: int
) -> None:
    """Against scipy's correlation; the row is padded so that it keeps its length."""
    rng = np.random.default_rng(seed)
    spare = max(taps - stride, 0)
    left, right = spare // 2, spare - spare // 2
    weight = rng.integers(-127, 128, (3, channels, 2, taps)).astype(np.int8)
    row = rng.integers(0, 256, (5, 8 * stride, channels))
    wide, (before, after) = blocked(weight, block, stride, (left, right))
    plain = np.pad(row, ((0, 0), (left, right + stride), (0, 0)))
    wanted = _layer(plain, weight, stride)[:, :8]
    units = row.reshape(5, -1, channels * stride * block) if block > 1 else row
    across = (before, after) if block > 1 else (left, right + stride)
    found = _layer(np.pad(units, ((0, 0), across, (0, 0))), wide, 1 if block > 1 else stride)
    np.testing.assert_array_equal(found.reshape(found.shape[0], -1, 3)[:, :8], wanted)


def _layer(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """(H', W', O) of (H, W, C), the stride along rows alone."""
    kernels = weight.astype(np.int64).transpose(0, 2, 3, 1)
    return np.stack(
        [correlate(x, kernel, "valid", "direct")[:, ::stride, 0] for kernel in kernels], -1
    )
