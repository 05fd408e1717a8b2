"""The routes: targets, shipped networks, what is proven of one."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")
pytest.importorskip("fastapi", reason="needs lingnan[service]")
pytest.importorskip("httpx", reason="needs lingnan[dev]")

from pydantic import SecretStr

from common.directions import Direction
from common.service.app import create_app
from common.service.models import ModelShelf
from common.service.settings import Settings
from edge_deploy.c.build import TARGETS
from edge_deploy.checksets import NETS

with warnings.catch_warnings():  # it would rather have httpx2, which nothing else here needs
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

pytestmark = [pytest.mark.edge, pytest.mark.service]

TOKEN = "a-token-that-only-these-tests-know"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory):
    told = Settings(
        token=SecretStr(TOKEN),
        state_dir=Path(tmp_path_factory.mktemp("state")),
        hosts=("127.0.0.1", "testserver"),
    )
    here = (Direction("edge", "edge_deploy"),)
    with TestClient(create_app(told, models=ModelShelf([]), directions=here)) as made:
        yield made


def test_every_target_is_listed(client) -> None:
    listed = client.get("/edge/targets", headers=BEARER).json()
    assert {one["name"] for one in listed} == set(TARGETS)
    assert {one["name"] for one in listed if one["emulated"]} == {
        "arm64",
        "arm64-dotprod",
        "cortex-m7",
        "cortex-m7-plain",
    }


def test_every_shipped_network_is_listed(client) -> None:
    listed = client.get("/edge/networks", headers=BEARER).json()
    assert {one["name"] for one in listed} == {f"{net.name}_int8" for net in NETS}


def test_a_network_is_verified(client) -> None:
    told = client.get("/edge/networks/resnet8_int8/verify?inputs=7", headers=BEARER).json()
    assert told["mismatches"] == {"reference": 0, "integers": 0}
    assert told["values"] == 7 * 20
    assert told["parting"] == [] and told["exceptions"] == 0
    assert told["arena_bytes"] == told["arena_bound_bytes"] == 49440


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/edge/networks/other/verify", 404),
        ("/edge/networks/..%2Fx/verify", 404),
        ("/edge/networks/resnet8_int8/verify?inputs=0", 422),
        ("/edge/networks/resnet8_int8/verify?inputs=33", 422),
    ],
)
def test_what_is_wrong_is_refused(client, path: str, code: int) -> None:
    assert client.get(path, headers=BEARER).status_code == code


def test_a_token_is_needed(client) -> None:
    assert client.get("/edge/targets").status_code == 401
