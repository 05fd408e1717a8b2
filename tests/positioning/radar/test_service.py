"""A radar's frames over HTTP: detections as of the chain, and what every wrong request gets."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs lingnan[service]")
pytest.importorskip("httpx", reason="needs lingnan[dev]")

from pydantic import SecretStr

from common.directions import Direction
from common.service.app import create_app
from common.service.models import ModelShelf
from common.service.settings import Settings
from common.types.radar import CAPACITY, RadarCube
from common.types.stamped import Stamped
from positioning.radar import service
from positioning.radar.pipeline import RadarChain
from positioning.sim.radar.radar import SimulatedRadar
from positioning.sim.road.scenario import street

with warnings.catch_warnings():  # it would rather have httpx2, which nothing else here needs
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

pytestmark = [pytest.mark.positioning, pytest.mark.service]

TOKEN = "a-token-that-only-these-tests-know"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    told = Settings(
        token=SecretStr(TOKEN), state_dir=tmp_path, hosts=("127.0.0.1", "testserver"),
        max_body_bytes=4 << 20,
    )  # fmt: skip
    directions = (Direction("positioning", "positioning"),)
    app = create_app(told, models=ModelShelf([]), directions=directions)
    with TestClient(app, base_url="http://127.0.0.1", headers=BEARER) as client:
        yield client


@cache
def frame() -> RadarCube:
    return SimulatedRadar(street(3)).frame(1.0, np.random.default_rng(0))


def npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    stream = BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def post(client: TestClient, data: bytes, **form: str) -> Any:
    return client.post("/positioning/radar", files={"cube": ("x", data)}, data=form)


def test_a_frame_gives_the_detections_of_the_chain_and_a_record(client: TestClient) -> None:
    answer = post(client, npy(frame().adc))
    assert answer.status_code == 200, answer.text
    told, found = answer.json(), RadarChain().step(Stamped(0, 0, 0, "radar", frame())).value
    assert len(told["detections"]) == len(found) > 5 and told["left_out"] == 0
    order = np.argsort(-found.snr_db, kind="stable")
    for name in ("range_m", "azimuth_rad", "radial_velocity_mps", "snr_db", "cluster"):
        values = [one[name] for one in told["detections"]]
        np.testing.assert_allclose(values, getattr(found, name)[order], rtol=1e-9)
    assert found.ego_mps is not None
    assert math.hypot(*told["ego_mps"]) == pytest.approx(float(np.linalg.norm(found.ego_mps)))
    kept = client.get("/records", params={"kind": service.FOUND}).json()
    assert [(one["id"], one["payload"]["detections"]) for one in kept] == [
        (told["record"], len(found))
    ]


def test_a_cube_of_another_shape_is_named_and_taken_with_its_waveform(client: TestClient) -> None:
    half = np.ascontiguousarray(frame().adc[:64])
    refused = post(client, npy(half))
    assert refused.status_code == 400
    assert "a radar cube of (64, 3, 4, 256)" in refused.json()["detail"]
    assert "(128, 3, 4, 256)" in refused.json()["detail"]
    taken = post(client, npy(half), waveform=json.dumps({"loops": 64}))
    assert taken.status_code == 200 and taken.json()["detections"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"junk", "no frame of samples"),
        (b"", "no frame of samples"),
        (b'{"adc": []}', "no frame of samples"),
        (npy(np.full((8, 1, 1, 8, 2), np.nan)), "float64 is not int16"),
        (npy(np.zeros((8, 1, 1, 8, 2), np.float32)), "float32 is not int16"),
        (npy(np.zeros((8, 8, 2), np.int16)), r"a shape of (8, 8, 2)"),
        (npy(np.zeros((8, 1, 1, 8, 2), np.int16))[:-2], "254 bytes"),
        (npy(np.zeros((8, 1, 1, 8, 3), np.int16)), "(8, 1, 1, 8, 3)"),
        (npy(np.zeros((8, 0, 1, 8, 2), np.int16)), "empty"),
        (npy(np.zeros((8, 1, 1, 8, 2), np.int16), (2, 0)), "version"),
        (npy(np.zeros((1, 1, 1, 1, 2), np.int16)).replace(b"(1, 1, ", b"(9**9**9, "), "no frame"),
        (npy(np.zeros((1, 1, 1, 1, 2), np.int16)).replace(b"(1, 1, ", b"(-1,-1,"), "no frame"),
        (npy(np.array([{}], object))[:100] + b"\x80\x04.", "no frame of samples"),
    ],
)  # fmt: skip
def test_what_is_no_frame_is_refused_with_the_reason(
    client: TestClient, data: bytes, reason: str
) -> None:
    answer = post(client, data)
    assert answer.status_code == 400 and reason in answer.json()["detail"], answer.text


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"waveform": '{"loops": 1000000}'}, "waveform.loops"),
        ({"waveform": '{"carrier_hz": -1}'}, "waveform.carrier_hz"),
        ({"waveform": '{"chirp_interval_s": 1e-9}'}, "longer than the chirp interval"),
        ({"waveform": '{"colour": 1}'}, "waveform.colour"),
        ({"waveform": "{"}, "waveform"),
        ({"waveform": " " * 5000}, "at most 4096"),
        ({"cfar": "none"}, "'ca' or 'os'"),
    ],
)  # fmt: skip
def test_a_waveform_that_no_radar_has_is_refused(
    client: TestClient, form: dict[str, str], reason: str
) -> None:
    answer = post(client, npy(frame().adc), **form)
    assert answer.status_code == 422 and reason in answer.text


def test_without_the_token_and_over_the_limits_nothing_is_taken(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = {"cube": ("x", npy(frame().adc))}
    refused = client.post("/positioning/radar", files=sent, headers={"Authorization": "Bearer no"})
    assert refused.status_code == 401
    assert post(client, bytes(5 << 20)).status_code == 413  # of the body
    monkeypatch.setattr(service, "MOST_BYTES", 1000)
    assert post(client, npy(frame().adc)).status_code == 413  # of the file


def test_silence_has_no_detections_and_too_many_are_cut_to_the_strongest(
    client: TestClient,
) -> None:
    shape = frame().adc.shape
    assert post(client, npy(np.zeros(shape, np.int16))).json()["detections"] == []
    leak = np.full(
        shape, 7, np.int16
    )  # an offset of every sample: as many maxima as rounding leaves
    found = RadarChain().step(Stamped(0, 0, 0, "radar", RadarCube(leak))).value
    told = post(client, npy(leak)).json()
    assert len(found) > len(told["detections"]) == CAPACITY
    assert told["left_out"] == len(found) - CAPACITY
    weakest = min(one["snr_db"] for one in told["detections"])
    assert (found.snr_db > weakest).sum() <= CAPACITY
