"""Integer convolutions are exact on every processor, in the operators' two forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.runtime.onnx_graph import Node, OnnxGraph, read, write
from common.runtime.products import CONTRIB, NARROW, exact, is_narrow, overflows, unsigned
from common.runtime.session import Session

pytestmark = pytest.mark.common
RNG = np.random.default_rng(31)
# pairs of the largest products: 2 * 255 * 127 is 64,770, and 16 bits hold 32,767
WEIGHT = RNG.integers(100, 128, (4, 8, 3, 3)) * np.array([1, -1, 1, -1])[:, None, None, None]
PIXELS = RNG.integers(200, 256, (1, 8, 3, 3))
TOTAL = np.tensordot(WEIGHT, PIXELS[0], 3)
STEP = np.float32(np.abs(TOTAL).max() / 120)
WANTED = np.rint(TOTAL / STEP) + 128


def graph(make, domain: str, weight: np.ndarray = WEIGHT, step: np.float32 = STEP) -> OnnxGraph:
    """One layer; of CONTRIB channels come last."""
    constants = {
        "one": np.array(1, np.float32), "zero": np.array(0, np.uint8), "w": weight.astype(np.int8),
        "each": np.ones(4, np.float32), "none": np.zeros(4, np.int8),
        "step": np.array(step), "middle": np.array(128, np.uint8),
    }  # fmt: skip
    inputs = ("x", "one", "zero", "w", "each", "none", "step", "middle")
    last = {"channels_last": 1} if domain else {}
    tensor = {name: _value(make, name) for name in "xy"}
    return OnnxGraph(
        (Node("QLinearConv", inputs, "y", last, domain),), constants,
        {"x": tensor["x"]}, {"y": tensor["y"]}, {"": 17, CONTRIB: 1},
    )  # fmt: skip


def _value(make, name: str) -> bytes:
    """A uint8 tensor of any four extents."""
    put = make["put"]
    free = b"".join(put(1, put(2, f"{name}{at}")) for at in range(4))
    return put(1, name) + put(2, put(1, put(1, 2) + put(2, free)))


def run(payload: bytes, domain: str) -> np.ndarray:
    pixels = PIXELS.transpose(0, 2, 3, 1) if domain else PIXELS
    (found,) = Session(payload).run({"x": np.ascontiguousarray(pixels, np.uint8)}).values()
    return found.ravel()


@pytest.mark.parametrize("domain", ["", CONTRIB])
def test_a_session_adds_every_product(make, domain: str) -> None:
    np.testing.assert_array_equal(run(write(graph(make, domain)), domain), WANTED)


def test_weights_without_sign_say_the_same(make) -> None:
    """On every processor, whether it needs them or not."""
    changed = unsigned(graph(make, CONTRIB))
    assert {changed.constants[name].dtype.name for name in changed.nodes[0].inputs[3::2][:2]} == {
        "uint8"
    }
    np.testing.assert_array_equal(run(write(changed), CONTRIB), WANTED)


def test_what_needs_no_change_stays_as_it_is(make) -> None:
    plain, own = (write(graph(make, domain)) for domain in ("", CONTRIB))
    assert unsigned(read(plain)).constants["w"].dtype == np.int8
    assert (exact(own) is own) is not overflows()


@pytest.mark.parametrize("domain", ["", CONTRIB])
def test_narrow_weights_lose_nothing_without_the_exchange(make, domain: str) -> None:
    """Signs that would add up to the most that a pair can be, on the brightest pixels."""
    weight = np.sign(WEIGHT) * NARROW
    total = np.tensordot(weight, PIXELS[0], 3)
    step = np.float32(np.abs(total).max() / 120)
    payload = write(graph(make, domain, weight, step))
    assert is_narrow(payload)
    np.testing.assert_array_equal(run(payload, domain), np.rint(total / step) + 128)


@pytest.mark.parametrize("domain", ["", CONTRIB])
def test_one_step_more_is_not_narrow(make, domain: str) -> None:
    weight = np.sign(WEIGHT) * NARROW
    weight[0, 0, 0, 0] = NARROW + 1
    assert not is_narrow(write(graph(make, domain, weight)))


def test_what_is_not_known_is_not_narrow(make) -> None:
    """A layer whose weights are an input, an operator of the runtime's own, and no model at all."""
    plain = graph(make, "", np.sign(WEIGHT))
    assert is_narrow(write(plain))
    (layer,) = plain.nodes
    fed = replace(layer, inputs=tuple("x" if name == "w" else name for name in layer.inputs))
    assert not is_narrow(write(replace(plain, nodes=(fed,))))
    other = Node("QAttention", layer.inputs, "z", {}, CONTRIB)
    assert not is_narrow(write(replace(plain, nodes=(*plain.nodes, other))))
    assert not is_narrow(write(replace(plain, nodes=())))
    bare = replace(layer, inputs=layer.inputs[:2])
    assert not is_narrow(write(replace(plain, nodes=(bare,))))
