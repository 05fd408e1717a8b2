"""Inspection over HTTP: a drawn board judged end to end, and what every wrong request gets."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

pytest.importorskip("fastapi", reason="needs lingnan[service]")
pytest.importorskip("httpx", reason="needs lingnan[dev]")

from fastapi import FastAPI
from pydantic import SecretStr

from common.directions import Direction
from common.service.app import create_app
from common.service.models import ModelShelf
from common.service.settings import Settings
from inspection.job import Job
from inspection.shelf import NoSuchJobError, Shelf
from tests.inspection.boards import defective, golden

with warnings.catch_warnings():  # it would rather have httpx2, which nothing else here needs
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

pytestmark = [pytest.mark.inspection, pytest.mark.service]

TOKEN = "a-token-that-only-these-tests-know"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BOARD = "/inspection/jobs/board"


def application(state: Path, **limits: Any) -> FastAPI:
    told = Settings(
        token=SecretStr(TOKEN), state_dir=state, hosts=("127.0.0.1", "testserver"), **limits
    )
    here = (Direction("inspection", "inspection"),)
    return create_app(told, models=ModelShelf([]), directions=here)


@pytest.fixture
def state(tmp_path: Path, boards_job: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with the job `board` on the shelf."""
    monkeypatch.setenv("LINGNAN_STATE", str(tmp_path))
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "board.job").write_bytes(boards_job.read_bytes())
    return tmp_path


def served(state: Path, **limits: Any) -> TestClient:
    """With the token, once entered; the server's exceptions become 500."""
    return TestClient(
        application(state, **limits),
        base_url="http://127.0.0.1",
        headers=BEARER,
        raise_server_exceptions=False,
    )


@pytest.fixture
def client(state: Path) -> Iterator[TestClient]:
    with served(state) as opened:
        yield opened


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def files(image: Any, reference: Any = None) -> dict[str, tuple[str, bytes]]:
    """The form of a request; pictures as PNG, bytes as they are."""
    given = {"image": image, "reference": reference}
    return {
        name: (f"{name}.png", value if isinstance(value, bytes) else png(value))
        for name, value in given.items()
        if value is not None
    }


def test_a_board_is_judged_and_its_record_is_listed(client: TestClient, taught: Job) -> None:
    image, _ = defective(("short", "pin-hole"), np.random.default_rng(6))
    answer = client.post(f"{BOARD}/inspect", files=files(image, golden()))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    finding = taught.method().inspect(image, golden())
    assert told["defective"] is True
    assert told["score"] == pytest.approx(finding.score)
    assert told["threshold"] == taught.threshold["value"]
    assert sorted(one["label"] for one in told["findings"]) == ["pin-hole", "short"]
    np.testing.assert_allclose(
        [one["box_px"] for one in told["findings"]], finding.found.boxes_px, atol=1e-3
    )
    assert (told["width_px"], told["height_px"], told["job"]) == (256, 256, "board")
    (record,) = client.get("/records").json()
    assert (record["id"], record["kind"]) == (told["record"], "inspection.verdict")
    assert record["payload"]["findings"] == told["findings"]


def test_a_perfect_board_passes_and_is_recorded(client: TestClient) -> None:
    answer = client.post(f"{BOARD}/inspect", files=files(golden(), golden()))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["defective"], told["score"], told["findings"]) == (False, None, [])
    assert client.get("/records").json()[0]["id"] == told["record"]


def test_the_shelf_is_listed(client: TestClient, state: Path, taught: Job) -> None:
    (state / "jobs" / ".half.job").write_bytes(b"")
    (state / "jobs" / "notes.txt").write_bytes(b"")
    assert client.get("/inspection/jobs").json() == ["board"]
    card = client.get(BOARD).json()
    assert (card["method"], card["needs_reference"]) == ("golden", True)
    assert card["threshold"] == dict(taught.threshold)


@pytest.mark.parametrize(
    ("image", "reference", "reason"),
    [
        (golden(), None, "send the golden image"),
        (golden(), golden()[:200], "golden image is"),
        (golden()[:20, :20], golden()[:20, :20], "too small"),
        (golden()[:1, :1], golden()[:1, :1], "too small"),
        (b"not a picture", golden(), ""),
        (golden(), b"", ""),
        (png(golden())[:-40], golden(), ""),
        (png(golden()).replace(b"\0\0\1\0" * 2, b"\x7f\xff\xff\xff" * 2), golden(), ""),
    ],
)
def test_what_cannot_be_judged_is_the_callers_fault(
    client: TestClient, image: Any, reference: Any, reason: str
) -> None:
    answer = client.post(f"{BOARD}/inspect", files=files(image, reference))
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"] and reason in answer.json()["detail"]
    assert client.get("/records").json() == []


def test_a_picture_that_inflates_is_refused_by_its_header(client: TestClient) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(30_001 * 100), 9)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    answer = client.post(f"{BOARD}/inspect", files=files(bomb, golden()))
    assert answer.status_code == 400
    assert "30000 x 30000" in answer.json()["detail"]


def test_a_job_that_is_not_there(client: TestClient) -> None:
    for answer in (
        client.get("/inspection/jobs/other"),
        client.post("/inspection/jobs/other/inspect", files=files(golden(), golden())),
    ):
        assert answer.status_code == 404
        assert "there are: board" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["板", "board.v2", "part 3 (new)", "-x"])
def test_jobs_are_offered_whatever_they_are_called(
    client: TestClient, state: Path, taught: Job, name: str
) -> None:
    taught.save(state / "jobs" / f"{name}.job")
    assert name in client.get("/inspection/jobs").json()
    assert client.get(f"/inspection/jobs/{name}").json()["name"] == name
    image, _ = defective(("open",), np.random.default_rng(8))
    told = client.post(f"/inspection/jobs/{name}/inspect", files=files(image, golden())).json()
    assert told["job"] == name and told["defective"]
    said = {"record": told["record"], "region": 0, "kind": "good"}
    assert client.post("/inspection/corrections", json=said).status_code == 200
    kept = client.get(f"/inspection/jobs/{name}/corrections.jsonl").text.splitlines()
    assert len(kept) == 1


def test_a_job_that_no_address_can_name_is_told(state: Path, taught: Job) -> None:
    taught.save(state / "jobs" / "two\nlines.job")
    (state / "jobs" / "half.job.part").write_bytes(b"")
    (state / "jobs" / ".new.job").write_bytes(b"")
    shelf = Shelf(state / "jobs")
    assert shelf.names() == ["board"]
    with pytest.raises(NoSuchJobError, match=r"there are: board; not offered.*two\\nlines'$"):
        shelf.get("other")


@pytest.mark.parametrize("name", ["..%2fboard", "%2e%2e", "board.job", "a" * 65, "board%0a"])
def test_names_that_no_job_can_have(client: TestClient, name: str) -> None:
    assert client.get(f"/inspection/jobs/{name}").status_code in (404, 422)


def test_a_damaged_job_is_told_apart_from_a_missing_one(client: TestClient, state: Path) -> None:
    path = state / "jobs" / "board.job"
    whole = path.read_bytes()
    assert client.get(BOARD).status_code == 200
    path.write_bytes(whole[:-1000])
    answer = client.post(f"{BOARD}/inspect", files=files(golden(), golden()))
    assert answer.status_code == 409
    assert "damaged or changed" in answer.json()["detail"]
    path.write_bytes(whole)
    assert client.get(BOARD).status_code == 200


@pytest.mark.parametrize("job", [Job("golden", {}, {"value": 1.0}), Job("later", {}, {"value": 0})])
def test_a_job_that_this_version_cannot_use(client: TestClient, state: Path, job: Job) -> None:
    job.save(state / "jobs" / "board.job")
    assert client.get(BOARD).status_code == 409


def test_a_job_that_was_taught_anew_is_the_one_that_judges(
    client: TestClient, state: Path, taught: Job
) -> None:
    image, _ = defective(("open",), np.random.default_rng(8))
    first = client.post(f"{BOARD}/inspect", files=files(image, golden())).json()
    lenient = Job(taught.kind, taught.state, {**taught.threshold, "value": 1e6}, taught.recipe)
    lenient.save(state / "jobs" / "board.job")
    second = client.post(f"{BOARD}/inspect", files=files(image, golden())).json()
    assert (first["defective"], second["defective"]) == (True, False)
    assert first["score"] == second["score"]


def test_without_the_token_nothing_is_told(client: TestClient) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        assert client.get("/inspection/jobs", headers=headers).status_code == 401
        answer = client.post(f"{BOARD}/inspect", files=files(golden(), golden()), headers=headers)
        assert answer.status_code == 401
    assert client.get("/records").json() == []


def test_a_changed_file_of_the_same_size_is_loaded_anew(state: Path, taught: Job) -> None:
    path, shelf = state / "jobs" / "board.job", Shelf(state / "jobs")

    def saved(value: float) -> Job:
        return Job(taught.kind, taught.state, {"value": value}, taught.recipe)

    for value in (1.5, 2.5, 3.5):  # within a tick of the file system's clock
        saved(value).save(path)
        assert shelf.get("board").job.threshold["value"] == value
    path.write_bytes(saved(4.5).to_bytes())
    os.utime(path, ns=(0, 0))
    assert shelf.get("board").job.threshold["value"] == 4.5


def test_the_last_few_jobs_stay_loaded(state: Path, taught: Job) -> None:
    shelf = Shelf(state / "jobs")
    for i in range(12):
        taught.save(state / "jobs" / f"job{i}.job")
    loaded = [shelf.get(f"job{i}") for i in range(12)]
    assert shelf.get("job11") is loaded[11]
    assert shelf.get("job0") is not loaded[0]
    with pytest.raises(NoSuchJobError, match="job0, job1, job10"):
        shelf.get("../jobs/board")
    assert Shelf(state / "none").names() == []


def test_generated_requests_get_no_server_error(state: Path) -> None:
    """Every route of the direction, by the service's own description of it."""
    schemathesis = pytest.importorskip("schemathesis")
    app = application(state)
    document = schemathesis.openapi.from_asgi("/openapi.json", app, headers=BEARER)
    statuses: Counter[int] = Counter()
    paths = []
    for operation in (
        found.ok() for found in document.include(path_regex="^/inspection/").get_all_operations()
    ):
        paths.append(operation.path)

        @settings(
            max_examples=30,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy())
        def answers(case: schemathesis.Case) -> None:
            case.path_parameters = (
                {"name": "board"} if len(str(case.body)) % 2 else (case.path_parameters)
            )
            answer = case.call(headers=BEARER)
            statuses[answer.status_code] += 1
            assert answer.status_code < 500, (case.as_curl_command(), answer.text)

        answers()
    service = app.state.service
    service.drain.begin()
    service.queue.close()
    service.records.close()
    assert len(paths) == 16
    assert statuses[200] and statuses[404], statuses


def test_the_routes_need_neither_simulator_nor_demonstration() -> None:
    told = "import sys, inspection.service as s; s.router(); s.demo; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert "inspection.shelf" in loaded
    assert not {"inspection.demo", "inspection.sim", "numba"} & loaded


def test_the_document_names_what_can_be_answered(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    mine = {path: sorted(told) for path, told in paths.items() if path.startswith("/inspection")}
    assert mine == {
        "/inspection/correct": ["get"],
        "/inspection/correct/page.css": ["get"],
        "/inspection/correct/page.js": ["get"],
        "/inspection/corrections": ["get", "post"],
        "/inspection/generate": ["get", "post"],
        "/inspection/generate/kinds": ["get"],
        "/inspection/generate/page.css": ["get"],
        "/inspection/generate/page.js": ["get"],
        "/inspection/jobs": ["get"],
        "/inspection/jobs/{name}": ["get"],
        "/inspection/jobs/{name}/corrections.jsonl": ["get"],
        "/inspection/jobs/{name}/inspect": ["post"],
        "/inspection/relief": ["post"],
        "/inspection/relief/recipes": ["get"],
    }
    assert json.dumps(paths)
