"""Defects ordered over HTTP: the sample and its mask, and what every wrong order gets."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs lingnan[service]")
pytest.importorskip("httpx", reason="needs lingnan[dev]")

from inspection import service
from inspection.acceptance.made import as_asked, surface
from inspection.generate.make import stream
from inspection.generate.procedural import Procedural
from inspection.generate.request import DefectRequest
from tests.inspection.test_service import TestClient, png, served

pytestmark = [pytest.mark.inspection, pytest.mark.service]

PLACE = "/inspection/generate"
GOOD = surface(np.random.default_rng(1))
ORDER = {"kind": "pit", "size_px": "30", "x_px": "80", "y_px": "70", "seed": "3"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with served(tmp_path) as opened:
        yield opened


def ask(client: TestClient, picture: bytes, **fields: str) -> Any:
    data = {name: value for name, value in {**ORDER, **fields}.items() if value}
    return client.post(PLACE, data=data, files={"image": ("good.png", picture)})


def pixels(text: str) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(b64decode(text), np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("method", ["procedural", "learned"])
def test_a_sample_and_its_mask(client: TestClient, method: str) -> None:
    answer = ask(client, png(GOOD), method=method)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    mask = pixels(told["mask_png"])
    assert set(np.unique(mask)) == {0, 255}
    request = DefectRequest(kind="pit", size_px=30, x_px=80, y_px=70, seed=3)
    assert as_asked(request, GOOD, pixels(told["image_png"]), mask > 0)
    assert (told["place"]["kind"], told["place"]["x_px"], told["place"]["size_px"]) == (
        "pit",
        80,
        30,
    )


def test_it_is_the_sample_that_the_command_makes(client: TestClient) -> None:
    request = DefectRequest(kind="pit", size_px=30, x_px=80, y_px=70, seed=3)
    made = Procedural().make(GOOD, request, stream(3, 0))
    np.testing.assert_array_equal(pixels(ask(client, png(GOOD)).json()["image_png"]), made.image)


def test_the_place_may_be_left_open(client: TestClient) -> None:
    answer = ask(client, png(np.repeat(GOOD[..., None], 3, 2)), x_px="", y_px="")
    assert answer.status_code == 200, answer.text
    assert pixels(answer.json()["image_png"]).shape == (*GOOD.shape, 3)


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"kind": "rust"}, 400, "pit, crack"),
        ({"kind": "wear", "method": "learned"}, 400, "pit, scratch, stain"),
        ({"x_px": "2"}, 400, "reaches out"),
        ({"x_px": ""}, 400, "both x_px and y_px"),
        ({"size_px": "nan"}, 400, "size_px"),
        ({"size_px": "1e9"}, 400, "size_px"),
        ({"severity": "0"}, 400, "severity"),
        ({"seed": "-1"}, 422, "seed"),
        ({"method": "magic"}, 422, "method"),
        ({"size_px": "wide"}, 422, "size_px"),
    ],
)
def test_wrong_orders(client: TestClient, fields: dict[str, str], status: int, word: str) -> None:
    answer = ask(client, png(GOOD), **fields)
    assert answer.status_code == status, answer.text
    assert word in answer.text


@pytest.mark.parametrize("picture", [b"", b"no picture", png(GOOD)[:-30]])
def test_what_is_no_picture(client: TestClient, picture: bytes) -> None:
    assert ask(client, picture).status_code in (400, 422)


def test_a_picture_too_large_is_refused_by_its_header(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_PIXELS", 1000)
    answer = ask(client, png(GOOD))
    assert answer.status_code == 400 and "192 x 192" in answer.json()["detail"]


def test_the_page_and_its_parts(client: TestClient) -> None:
    page = client.get(PLACE)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "<script>" not in page.text and "style=" not in page.text  # the policy forbids both
    for part, kind in (("page.js", "javascript"), ("page.css", "css")):
        assert f"{PLACE}/{part}" in page.text
        answer = client.get(f"{PLACE}/{part}")
        assert answer.status_code == 200 and kind in answer.headers["content-type"]
    kinds = client.get(f"{PLACE}/kinds").json()
    assert kinds["procedural"][0] == "pit" and "scratch" in kinds["learned"]
    assert f'href="{PLACE}"' in client.get("/").text


@pytest.mark.parametrize("path", [PLACE, f"{PLACE}/page.js", f"{PLACE}/kinds"])
def test_without_the_token_nothing_is_told(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"Authorization": ""}).status_code == 401
    refused = client.post(
        PLACE, data=ORDER, files={"image": ("a", png(GOOD))}, headers={"Authorization": ""}
    )
    assert refused.status_code == 401
