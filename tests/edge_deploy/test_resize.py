"""A network for another size of picture: the same integers as slid over it, or a layer's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.acceptance import subjects
from edge_deploy.bench.table import _sized
from edge_deploy.checksets import TRAY_SEED, WEIGHTS
from edge_deploy.errors import UnsupportedError
from edge_deploy.graph.resize import at_size
from edge_deploy.pipeline import prepare, prepare_bytes
from edge_deploy.reference.run import run
from edge_deploy.sim.trays import tray
from edge_deploy.verify import onnxruntime
from tests.edge_deploy.qdq import Net, graph_of, inputs_for

pytestmark = pytest.mark.edge

OWN, OTHER = (8, 12), (20, 8)
BLOCK, CHANNELS = 2, 3


def blocks(to_depth: bool) -> bytes:
    """Blocks of pixels to channels, or back, as PyTorch exports them."""
    rows, columns = OWN
    if to_depth:
        first = [-1, CHANNELS, rows // BLOCK, BLOCK, columns // BLOCK, BLOCK]
        order, deep = [0, 1, 3, 5, 2, 4], CHANNELS * BLOCK**2
        last = (deep, rows // BLOCK, columns // BLOCK)
        net = Net((CHANNELS, *OWN))
    else:
        first = [-1, CHANNELS, BLOCK, BLOCK, rows, columns]
        order, last = [0, 1, 4, 2, 5, 3], (CHANNELS, rows * BLOCK, columns * BLOCK)
        net = Net((CHANNELS * BLOCK**2, *OWN))
    y = net.node("Reshape", [net.last, net.constant("first", np.array(first))])
    y = net.node("Transpose", [y], perm=order)
    return net.payload(
        {net.node("Reshape", [y, net.constant("last", np.array([-1, *last]))]): last}
    )


def unshuffled(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, C, H, W) to (N, C * BLOCK**2, ...), channel outermost, block by block."""
    parts = [pictures[:, :, y::BLOCK, x::BLOCK] for y in range(BLOCK) for x in range(BLOCK)]
    return np.stack(parts, 2).reshape(len(pictures), -1, *parts[0].shape[2:])


def test_blocks_of_pixels_are_cut_from_the_larger_picture() -> None:
    payload = at_size(blocks(True), OTHER)
    graph = graph_of(payload)
    inputs = inputs_for(graph, 4)
    assert inputs["x"].shape == (4, CHANNELS, *OTHER)
    wanted = unshuffled(inputs["x"])
    (name,) = graph.outputs
    assert np.array_equal(run(graph, inputs)[name], wanted)
    assert np.array_equal(onnxruntime.run(payload, graph, inputs)[name], wanted)


def test_blocks_are_put_back() -> None:
    payload = at_size(blocks(False), OTHER)
    graph = graph_of(payload)
    inputs = inputs_for(graph, 4)
    (found,) = onnxruntime.run(payload, graph, inputs).values()
    assert np.array_equal(unshuffled(found), inputs["x"])


def test_the_own_size_and_none_leave_the_file_as_it_is() -> None:
    payload = blocks(True)
    assert at_size(payload, None) is payload
    assert at_size(payload, OWN) is payload
    assert at_size(at_size(payload, OTHER), OTHER) == at_size(payload, OTHER)


def test_a_free_size_stays_free() -> None:
    if (folder := subjects.inspection_weights()) is None:
        pytest.skip("inspection is not installed")
    held = (folder / f"{subjects.FCN_STEM}_int8.onnx").read_bytes()
    assert at_size(held, (64, 64)) is held


@pytest.mark.parametrize(("net", "size"), [("detector", (96, 128)), ("unet", (40, 72))])
def test_shipped_networks_give_their_integers_on_other_pictures(
    net: str, size: tuple[int, int]
) -> None:
    own, network = (prepare(WEIGHTS / f"{net}_int8.onnx", one) for one in (None, size))
    area = size[0] * size[1] / 64**2
    assert network.graph.macs == own.graph.macs * area
    inputs = inputs_for(network.graph, 3)
    found = onnxruntime.run(network.payload, network.graph, inputs)
    wanted = run(network.graph, inputs)
    for name, value in wanted.items():
        assert len(np.unique(value)) > 20
        assert np.array_equal(found[name], value)


def test_a_part_gives_the_same_wherever_its_tray_ends() -> None:
    """Beyond what a cell sees nothing counts: left of the middle the right half may be missing."""
    payload = (WEIGHTS / "unet_int8.onnx").read_bytes()
    narrow, wide = (prepare_bytes(at_size(payload, (64, w)), "unet") for w in (192, 384))
    pictures = np.random.default_rng(3).integers(0, 256, (1, 1, 64, 384)).astype(np.uint8)
    (left,) = run(narrow.graph, {narrow.graph.inputs[0]: pictures[..., :192]}).values()
    (whole,) = run(wide.graph, {wide.graph.inputs[0]: pictures}).values()
    assert np.array_equal(left[..., :96], whole[..., :96])
    assert not np.array_equal(left, whole[..., :192]), "at its border it sees zeros"


def flat(spatial: bool) -> bytes:
    net = Net((2, 4, 4))
    y = net.last if spatial else net.node("MaxPool", [net.last], kernel_shape=[4, 4])
    count = 32 if spatial else 2
    y = net.node("Reshape", [y, net.constant("flat", np.array([-1, count]))])
    return net.payload({net.weighted("Gemm", y, (3, count), transB=1): (3,)})


@pytest.mark.parametrize(
    ("payload", "size", "told"),
    [
        (flat(True), (8, 8), "takes one size alone"),
        (flat(False), (8, 8), "has no such form"),
        (blocks(True), (7, 8), r"has no such form for \(3, 7, 8\).*multiple of its blocks"),
        ((WEIGHTS / "unet_int8.onnx").read_bytes(), (100, 100), "layer '/Concat': does not fit"),
    ],
)
def test_what_does_not_slide_is_named(payload: bytes, size: tuple[int, int], told: str) -> None:
    with pytest.raises(UnsupportedError, match=told):
        at_size(payload, size)


def test_a_bench_of_another_size_times_files_of_that_size(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(blocks(True))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert _sized(path, None, scratch) == path
    assert graph_of(_sized(path, OTHER, scratch).read_bytes()).inputs == ("x",)
    assert list(scratch.iterdir()) == [scratch / "net.onnx"]


def test_the_large_detector_sees_large_trays() -> None:
    """25 times the pixels, and as many times the parts."""
    large = subjects._large(1)
    assert large.network.graph.macs == 25 * prepare(WEIGHTS / "detector_int8.onnx").graph.macs
    assert large.real is not None
    assert large.real.shape == (1, 1, subjects.LARGE_SIDE, subjects.LARGE_SIDE)
    assert 25 <= len(tray(np.random.default_rng((TRAY_SEED, 0)), subjects.LARGE_SIDE).kinds) <= 100
    assert subjects._trays(0).shape == (0, 1, 64, 64)
