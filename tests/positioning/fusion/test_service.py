"""Recorded detections over HTTP: tracks where the bodies are, and what every wrong request gets."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
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
from positioning.fusion import service
from positioning.video.camera import Camera

with warnings.catch_warnings():  # it would rather have httpx2, which nothing else here needs
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

pytestmark = [pytest.mark.positioning, pytest.mark.service]

TOKEN = "a-token-that-only-these-tests-know"
CAMERA = Camera()
START_S, SPAN_S = 100.0, 3.0
SPEED_MPS = 10.0  # of the carrier, along x
LENGTH_M, WIDTH_M, HEIGHT_M = 4.4, 1.8, 1.5


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    told = Settings(token=SecretStr(TOKEN), state_dir=tmp_path, hosts=("127.0.0.1", "testserver"),
                    max_body_bytes=1 << 20)  # fmt: skip
    directions = (Direction("positioning", "positioning"),)
    app = create_app(told, models=ModelShelf([]), directions=directions)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app, base_url="http://127.0.0.1", headers=bearer) as client:
        yield client


def rear(time_s: float) -> tuple[float, float, float]:
    """x and y of the middle of the rear of a car ahead, and its speed, on the road."""
    return 25.0 + 8.0 * (time_s - START_S), 2.0, 8.0


def radar(time_s: float, rng: np.random.Generator) -> dict[str, Any]:
    x, y, speed = rear(time_s)
    x -= SPEED_MPS * (time_s - START_S)
    rate = (speed - SPEED_MPS) * x / math.hypot(x, y)
    off = rng.normal(0, (0.1, 0.005, 0.1))
    polar = [math.hypot(x, y) + off[0], math.atan2(y, x) + off[1], rate + off[2]]
    return {"sensor": "radar", "time_s": time_s, "polar": [polar]}


def camera(time_s: float) -> dict[str, Any]:
    x, y, _ = rear(time_s)
    x -= SPEED_MPS * (time_s - START_S)
    corners = [(x + a, y + b, c) for a in (0, LENGTH_M) for b in (-WIDTH_M / 2, WIDTH_M / 2)
               for c in (0.0, HEIGHT_M)]  # fmt: skip
    pixels = CAMERA.project(corners)[0]
    box = [*pixels.min(axis=0).tolist(), *pixels.max(axis=0).tolist()]
    return {
        "sensor": "camera", "time_s": time_s,
        "boxes": [{"box_px": box, "score": 0.9, "kind": "vehicle"}],
    }  # fmt: skip


def recording(*sensors: str) -> dict[str, Any]:
    """A car ahead that slowly comes nearer, for SPAN_S; poses of the carrier once a second."""
    rng = np.random.default_rng(31)
    times = np.arange(START_S, START_S + SPAN_S, 0.05).tolist()
    scans = [radar(t, rng) for t in times if "radar" in sensors]
    scans += [camera(t + 0.01) for t in times if "camera" in sensors]
    poses = [
        {"time_s": START_S + s, "x_m": SPEED_MPS * s, "y_m": 0.0, "yaw_rad": 0.0,
         "vx_mps": SPEED_MPS, "vy_mps": 0.0}
        for s in range(int(SPAN_S) + 2)
    ]  # fmt: skip
    return {"scans": sorted(scans, key=lambda one: one["time_s"]), "poses": poses}


@pytest.mark.parametrize("sensors", [("radar", "camera"), ("radar",)])
def test_a_car_ahead_is_one_track_where_it_is(client: TestClient, sensors: tuple[str, ...]) -> None:
    answer = client.post("/positioning/fusion", json=recording(*sensors))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    x, y, speed = rear(told["time_s"])
    (track,) = told["tracks"]
    assert track["x_m"] - track["length_m"] / 2 == pytest.approx(x, abs=1.0)
    assert track["y_m"] == pytest.approx(y, abs=0.6)
    assert track["vx_mps"] == pytest.approx(speed, abs=1.0)
    assert track["kind"] == ("vehicle" if "camera" in sensors else "unknown")
    kept = client.get("/records", params={"kind": service.FOLLOWED}).json()
    assert [(one["id"], one["payload"]["tracks"]) for one in kept] == [(told["record"], 1)]


def test_scans_out_of_order_give_the_same_track(client: TestClient) -> None:
    sent = recording("radar")
    ordered = client.post("/positioning/fusion", json=sent).json()
    scans = sent["scans"]
    scans[20], scans[22] = scans[22], scans[20]
    swapped = client.post("/positioning/fusion", json=sent).json()
    assert (ordered["late"], ordered["refused"]) == (0, 0) and swapped["late"] > 0
    assert swapped["tracks"][0]["x_m"] == pytest.approx(ordered["tracks"][0]["x_m"], abs=1e-6)


def test_nothing_seen_is_no_track(client: TestClient) -> None:
    empty = {"sensor": "camera", "time_s": 1.0, "boxes": []}
    scans = [empty, {"sensor": "radar", "time_s": 1.02, "polar": []}]
    answer = client.post("/positioning/fusion", json={"scans": scans})
    assert answer.status_code == 200 and answer.json()["tracks"] == []


def scan(**changes: Any) -> dict[str, Any]:
    return {"sensor": "radar", "time_s": 1.0, "polar": [[20.0, 0.1, -3.0]], **changes}


def box(**changes: Any) -> dict[str, Any]:
    one = {"box_px": [10, 20, 30, 40], "score": 0.5, "kind": "vehicle", **changes}
    return {"sensor": "camera", "time_s": 1.0, "boxes": [one]}


def pose(time_s: float) -> dict[str, Any]:
    names = ("x_m", "y_m", "yaw_rad", "vx_mps", "vy_mps")
    return {"time_s": time_s, **dict.fromkeys(names, 0.0)}


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"scans": []}, "scans"),
        ({"scans": [scan()] * (service.MOST_SCANS + 1)}, "scans"),
        ({"scans": [scan(sensor="lidar")]}, "sensor"),
        ({"scans": [scan(polar=[[20.0, 0.1]])]}, "polar"),
        ({"scans": [scan(polar=[[-1.0, 0.1, 0.0]])]}, "polar"),
        ({"scans": [scan(polar=[[9.0, 0.1, 0.0]] * (service.MOST_FOUND + 1))]}, "polar"),
        ({"scans": [scan(time_s=-1.0)]}, "time_s"),
        ({"scans": [scan(), scan(time_s=1000.0)]}, "over 300 s"),
        ({"scans": [scan(colour=1)]}, "colour"),
        ({"scans": [box(box_px=[30, 20, 10, 40])]}, "x1 > x0"),
        ({"scans": [box(kind="tram")]}, "kind"),
        ({"scans": [scan()], "poses": [pose(2.0), pose(1.0)]}, "poses"),
        ({"scans": [scan()], "camera": {"mount_m": [0, 0, -1]}}, "mount_m"),
    ],
)
def test_what_no_recording_holds_is_refused_by_name(
    client: TestClient, sent: dict[str, Any], named: str
) -> None:
    answer = client.post("/positioning/fusion", json=sent)
    assert answer.status_code == 422 and named in answer.text


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_what_is_no_number_is_refused_by_name(client: TestClient, number: str) -> None:
    polar = f"[[{number}, 0.1, 0.0]]"
    text = '{"scans": [{"sensor": "radar", "time_s": 1, "polar": ' + polar + "}]}"
    kind = {"Content-Type": "application/json"}
    answer = client.post("/positioning/fusion", content=text.encode(), headers=kind)
    assert answer.status_code == 422 and "polar" in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"scans": {}}', b"\xff\xfe"])
def test_what_is_no_recording_is_refused(client: TestClient, body: bytes) -> None:
    kind = {"Content-Type": "application/json"}
    answer = client.post("/positioning/fusion", content=body, headers=kind)
    assert answer.status_code in (400, 422) and answer.json()["detail"]


def test_a_recording_that_takes_too_long_gives_its_thread_back(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WORK_S", 0.0)
    answer = client.post("/positioning/fusion", json=recording("radar"))
    assert answer.status_code == 422 and "send fewer" in answer.text


def test_without_the_token_and_over_the_limit_nothing_is_taken(client: TestClient) -> None:
    wrong = {"Authorization": "Bearer no"}
    sent = {"scans": [scan()]}
    assert client.post("/positioning/fusion", json=sent, headers=wrong).status_code == 401
    large = client.post("/positioning/fusion", content=b"[" * (2 << 20))
    assert large.status_code == 413
