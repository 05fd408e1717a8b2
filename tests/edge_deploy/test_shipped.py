"""The shipped networks: whole, exact, as good as their float files, the same on every target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from common.runtime.weights import load, verify_folder
from common.types.image import Image
from common.types.stamped import Stamped
from edge_deploy.checksets import NETS, WEIGHTS, answers, check_set
from edge_deploy.config import EdgeConfig
from edge_deploy.errors import EdgeError
from edge_deploy.fewshot import features
from edge_deploy.pipeline import prepare, step
from edge_deploy.quantize.exact import check
from edge_deploy.verify.command import verify_network
from edge_deploy.verify.compare import BACKENDS, compare
from edge_deploy.verify.inputs import make
from edge_deploy.verify.rounding import layers

pytestmark = pytest.mark.edge


def test_the_folder_is_as_its_manifest_says() -> None:
    names = set(verify_folder(WEIGHTS).models)
    told = {f"{net.name}_{word}" for net in NETS for word in ("fp32", "int8")}
    assert names == told | {features.NAME}


def test_the_backbone_is_exact() -> None:
    check(features.backbone())


@pytest.mark.parametrize("net", [net.name for net in NETS])
def test_every_layer_is_exact(net: str) -> None:
    check(load(WEIGHTS, f"{net}_int8").payload)


@pytest.mark.parametrize("net", [net for net in NETS if net.task != "characters"])
def test_int8_is_within_a_point_of_float(net) -> None:
    judged = check_set(net.task, 80)
    single, integer = (
        judged.score(answers(load(WEIGHTS, f"{net.name}_{word}").payload, judged.pictures)).mean()
        for word in ("fp32", "int8")
    )
    assert single > 0.9
    assert single - integer <= 0.01


def test_one_network_gives_the_same_integers_on_every_target(tmp_path: Path) -> None:
    network = prepare(WEIGHTS / "detector_int8.onnx")
    inputs = make(network.graph, 8, 3)
    rows = compare(network, inputs, tmp_path, emulated=2)
    assert [row.backend for row in rows[1:]] == list(BACKENDS)
    for row in rows:
        assert row.mismatches == 0 or (row.mismatches is None and "apt-get" in row.note), row
    assert all(layer.form == "half-up" for layer in layers(network.graph, network.sources.forms))


@pytest.mark.slow
@pytest.mark.parametrize("net", [net.name for net in NETS if net.name != "detector"])
def test_every_network_does(net: str) -> None:
    config = EdgeConfig(model=WEIGHTS / f"{net}_int8.onnx", pictures=100, emulated=10)
    network = prepare(config.model)
    rows = verify_network(network, config, lambda done, total, what: None)
    assert not any(row.mismatches for row in rows)


def test_a_step_is_one_picture_of_the_runtime() -> None:
    network = prepare(WEIGHTS / "detector_int8.onnx")
    inputs = make(network.graph, 7, 0)
    (pictures,) = inputs.values()
    sample = Stamped(4, 5, 6, "camera", Image(np.ascontiguousarray(pictures[-1, 0])))
    found = step(network, sample)
    assert (found.seq, found.frame_id) == (4, "camera")
    for name, value in found.value.items():
        assert value.shape == network.graph.tensors[name].shape
    with pytest.raises(EdgeError, match="the network takes"):
        step(network, sample.with_value(Image(np.zeros((32, 64), np.uint8))))
