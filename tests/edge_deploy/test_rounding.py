"""Float32 rounding as ONNX Runtime has it, asked of the runtime; and its integer forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from onnx import TensorProto, helper

from common.runtime.session import Session
from edge_deploy.graph import fixed_add, fixed_point
from edge_deploy.graph.fixed_point import FixedPoint, apply, fit, steps_of, thresholds
from edge_deploy.graph.ir import Add, Graph, Rescale, Tensor
from edge_deploy.graph.ranges import Range
from edge_deploy.graph.rounding import added, requantised, rescaled

pytestmark = pytest.mark.edge


def pair_model(kind: str, scales: list[float], zeros: list[int]) -> bytes:
    """DequantizeLinear a and b, `kind`, QuantizeLinear; uint8 in and out."""
    constants, nodes = [], []
    for name, scale, zero in zip("abc", scales, zeros, strict=True):
        constants.append(helper.make_tensor(f"{name}s", TensorProto.FLOAT, [], [scale]))
        constants.append(helper.make_tensor(f"{name}z", TensorProto.UINT8, [], [zero]))
    for name in "ab":
        nodes.append(
            helper.make_node("DequantizeLinear", [name, f"{name}s", f"{name}z"], [f"{name}r"])
        )
    nodes.append(helper.make_node(kind, ["ar", "br"], ["cr"]))
    nodes.append(helper.make_node("QuantizeLinear", ["cr", "cs", "cz"], ["c"]))
    ends = [helper.make_tensor_value_info(n, TensorProto.UINT8, [1, 256, 256]) for n in "abc"]
    graph = helper.make_graph(nodes, "pair", ends[:2], ends[2:], constants)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


SCALES = [
    ([0.02, 0.03, 0.05], [0, 0, 0]),
    ([0.031, 0.017, 0.024], [3, 250, 120]),
    ([6 / 255, 6 / 255, 12 / 255], [0, 0, 0]),  # equal in, twice out: ties
    ([0.5, 0.25, 0.5], [128, 128, 128]),
    ([0.0123, 0.0987, 0.0543], [255, 7, 31]),
]


@pytest.mark.parametrize(("scales", "zeros"), SCALES)
def test_add_is_the_runtimes_on_every_pair(scales: list[float], zeros: list[int]) -> None:
    a, b = np.mgrid[:256, :256].astype(np.uint8)
    session = Session(pair_model("Add", scales, zeros), warmup=0)
    wanted = session.run({"a": a[None], "b": b[None]})["c"][0]
    single = [np.float32(scale) for scale in scales]
    ratios = (float(single[0] / single[2]), float(single[1] / single[2]))
    assert np.array_equal(added(a, b, ratios, (zeros[0], zeros[1], zeros[2])), wanted)
    tensors = {
        name: Tensor(name, (1, 1, 1), scale, zero)
        for name, scale, zero in zip("abc", scales, zeros, strict=True)
    }
    op = Add("sum", ("a", "b"), "c", ratios)
    graph = Graph("g", tensors, (op,), ("a", "b"), ("c",))
    fixed = fixed_add.fit(graph, op)
    assert np.array_equal(fixed.value(a.astype(np.int64), b.astype(np.int64)), wanted)


def test_a_sum_on_ties_is_rounded_otherwise_on_neon() -> None:
    tensors = {
        name: Tensor(name, (1, 1, 1), scale, 0)
        for name, scale in zip("abc", (1, 1, 2), strict=True)
    }
    op = Add("sum", ("a", "b"), "c", (0.5, 0.5))
    graph = Graph("g", tensors, (op,), ("a", "b"), ("c",))
    assert fixed_add.neon_differences(graph, op) == 256 * 256 // 4  # odd sums, half of them to even
    assert fixed_add.fit(graph, op).form == "half-even"


def test_a_change_of_scale_is_the_runtimes() -> None:
    every = np.arange(256, dtype=np.uint8)
    for (one, two, _), (za, zb, _) in SCALES:
        constants = []
        for name, scale, zero in (("i", one, za), ("o", two, zb)):
            constants.append(helper.make_tensor(f"{name}s", TensorProto.FLOAT, [], [scale]))
            constants.append(helper.make_tensor(f"{name}z", TensorProto.UINT8, [], [zero]))
        nodes = [
            helper.make_node("DequantizeLinear", ["x", "is", "iz"], ["r"]),
            helper.make_node("QuantizeLinear", ["r", "os", "oz"], ["y"]),
        ]
        ends = [helper.make_tensor_value_info(n, TensorProto.UINT8, [256]) for n in "xy"]
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        wanted = Session(model.SerializeToString(), warmup=0).run({"x": every})["y"]
        assert np.array_equal(requantised(every, (one, za), (two, zb)), wanted)


def everywhere(rescale: Rescale, low: int, high: int) -> FixedPoint:
    """The form that is found, after it was held against float32 on every accumulator."""
    span = Range(np.array([low]), np.array([high]))
    fixed = fit(rescale, span)
    every = np.arange(low, high + 1)[None]
    assert np.array_equal(apply(fixed, every), rescaled(every, rescale))
    return fixed


@given(
    st.floats(2.0**-13, 0.875, width=32),
    st.integers(0, 255),
    st.integers(-150_000, 0),
    st.integers(0, 150_000),
)
def test_the_integer_form_is_float32_on_every_accumulator(
    scale: float, zero: int, low: int, high: int
) -> None:
    everywhere(Rescale(np.array([scale], np.float32), zero), low, high)


@pytest.mark.parametrize("power", [-12, -7, -1])
def test_powers_of_two_round_to_even(power: int) -> None:
    rescale = Rescale(np.array([2.0**power], np.float32), 100)
    assert everywhere(rescale, -300_000, 300_000).form == "half-even"


def test_accumulators_beyond_24_bits_are_rounded_as_float32_does() -> None:
    rescale = Rescale(np.array([6e-6], np.float32), 0)
    span = Range(np.array([0]), np.array([1 << 26]))
    fixed = fit(rescale, span)
    some = np.arange((1 << 25) - 50_000, (1 << 25) + 50_000)[None]
    assert np.array_equal(apply(fixed, some), rescaled(some, rescale))
    emulated = fixed_point._exact_mantissa("float32", rescale, 1)
    assert np.array_equal(apply(emulated, some), rescaled(some, rescale))


def test_the_proof_sees_a_multiplier_that_is_a_little_off() -> None:
    rescale = Rescale(np.array([0.0037], np.float32), 9)
    span = Range(np.array([-200_000]), np.array([200_000]))
    fixed = fit(rescale, span)
    assert fixed.form == "half-up"
    broken = FixedPoint(
        fixed.form, fixed.multiplier + (fixed.multiplier >> 14), fixed.offset, fixed.shifts,
        fixed.exceptions, fixed.zero_point,
    )  # fmt: skip
    assert not np.array_equal(steps_of(broken, span), thresholds(rescale, span))


def test_exceptions_are_where_float32_lands_on_a_tie() -> None:
    """Among many scales some have exceptions; there the exact product is just below a half."""
    rng = np.random.default_rng(5)
    scales = np.exp(rng.uniform(np.log(2e-4), np.log(2e-3), 64)).astype(np.float32)
    span = Range(np.full(64, -600_000), np.full(64, 600_000))
    fixed = fit(Rescale(scales, 0), span)
    found = fixed.exceptional
    assert found
    for channel, accumulators in found.items():
        for accumulator in accumulators:
            exact = accumulator * float(scales[channel])
            assert abs(exact - np.floor(exact) - 0.5) < 2.0**-16
