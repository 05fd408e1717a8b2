"""Positioning over HTTP: files solved and judged, and what every wrong request gets."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs lingnan[service]")
pytest.importorskip("httpx", reason="needs lingnan[dev]")

from pydantic import SecretStr

from common.directions import Direction
from common.service.app import create_app
from common.service.models import ModelShelf
from common.service.settings import Settings
from positioning import service
from positioning.sim.gnss.files import write
from positioning.sim.gnss.scenario import Scenario, simulate

with warnings.catch_warnings():  # it would rather have httpx2, which nothing else here needs
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

pytestmark = [pytest.mark.positioning, pytest.mark.service]

TOKEN = "a-token-that-only-these-tests-know"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drive of eight seconds under an open sky."""
    folder = tmp_path_factory.mktemp("drive")
    write(simulate(Scenario(layout="open", seed=11, duration_s=8.0)), folder)
    return folder


@cache
def _directions() -> tuple[Direction, ...]:
    return (Direction("positioning", "positioning"),)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    told = Settings(token=SecretStr(TOKEN), state_dir=tmp_path, hosts=("127.0.0.1", "testserver"))
    app = create_app(told, models=ModelShelf([]), directions=_directions())
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app, base_url="http://127.0.0.1", headers=bearer) as client:
        yield client


def sent(files: Path, *names: str) -> list[tuple[str, tuple[str, bytes]]]:
    parts = {"rover": "rover.obs", "base": "base.obs", "nav": "nav.nav"}
    return [(name, ("x", (files / parts[name]).read_bytes())) for name in names]


def test_a_drive_is_solved_and_judged(client: TestClient, files: Path) -> None:
    answer = client.post("/positioning/solve", files=sent(files, "rover", "base", "nav"))
    assert answer.status_code == 200, answer.text
    solved = answer.json()
    assert solved["epochs"] == 40 and solved["by_quality"]["fix"] > 20
    assert "/" not in solved["pos"].split("% inp file")[1].splitlines()[0]
    judged = client.post(
        "/positioning/score",
        files=[
            ("solution", ("a", solved["pos"].encode())),
            ("truth", ("b", (files / "truth.csv").read_bytes())),
        ],
    )
    assert judged.status_code == 200, judged.text
    assert judged.json()["figures"]["horizontal"]["p50_m"] < 0.1


def test_what_is_wrong_is_named_and_no_path_of_the_server_is_told(
    client: TestClient, files: Path
) -> None:
    answer = client.post(
        "/positioning/solve", files=[("rover", ("x", b"junk")), *sent(files, "nav")],
        data={"mode": "single"},
    )  # fmt: skip
    assert answer.status_code == 400 and "neither RINEX" in answer.text
    assert "lingnan-" not in answer.text
    without = client.post("/positioning/solve", files=sent(files, "rover", "nav"))
    assert without.status_code == 400 and "needs a base" in without.text
    halved = client.post(
        "/positioning/solve", files=sent(files, "rover", "base", "nav"), data={"x_m": "1"}
    )
    assert halved.status_code == 400 and "all three" in halved.text
    missing = client.post("/positioning/solve", files=sent(files, "rover"))
    assert missing.status_code == 422


def test_a_file_that_is_too_large_is_not_taken(
    client: TestClient, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_BYTES", 1000)
    answer = client.post("/positioning/solve", files=sent(files, "rover", "base", "nav"))
    assert answer.status_code == 413
