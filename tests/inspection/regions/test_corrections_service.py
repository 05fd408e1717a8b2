"""Corrections over HTTP: kept durably beside their verdict, listed, and learned by a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

pytest.importorskip("fastapi", reason="needs lingnan[service]")
pytest.importorskip("httpx", reason="needs lingnan[dev]")

from common.store.records import Records
from inspection.cli import app
from inspection.job import Job
from inspection.methods.segment import station_method
from inspection.regions.corrections import read
from tests.inspection.regions.test_segment_regions import frame
from tests.inspection.test_service import TestClient, files, served

pytestmark = [pytest.mark.inspection, pytest.mark.service]

PLACE = "/inspection/corrections"
FILE = "/inspection/jobs/belt/corrections.jsonl"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with a job that names kinds on the shelf."""
    monkeypatch.setenv("LINGNAN_STATE", str(tmp_path))
    method = station_method("glaze")
    (tmp_path / "jobs").mkdir()
    Job("segment", method.to_state(), {"value": 6.0}, {"settings": method.settings}).save(
        tmp_path / "jobs" / "belt.job"
    )
    return tmp_path


@pytest.fixture
def client(state: Path) -> Iterator[TestClient]:
    with served(state) as opened:
        yield opened


def judged(client: TestClient) -> dict[str, Any]:
    answer = client.post("/inspection/jobs/belt/inspect", files=files(frame("stain", 500.0)))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert told["findings"][0]["label"] == "stain" and told["findings"][0]["features"]
    return told


def test_a_correction_is_kept_listed_and_learned(client: TestClient, state: Path) -> None:
    verdict = judged(client)
    record = verdict["record"]
    for region, kind in ((0, "scratch"), (0, "blot"), (None, "point")):
        said = {"record": record, "region": region, "kind": kind}
        answer = client.post(PLACE, json=said)
        assert answer.status_code == 200, answer.text
        assert {name: answer.json()[name] for name in said} == said
    listed = client.get(PLACE).json()
    assert [(one["was"], one["kind"]) for one in listed] == [
        ("stain", "scratch"), ("stain", "blot"), ("good", "point"),
    ]  # fmt: skip
    assert client.get(PLACE, params={"after": listed[1]["id"]}).json() == listed[2:]
    kept = state / "kept.jsonl"
    kept.write_bytes(client.get(FILE).content)
    found = read(kept)  # the last one of a region holds
    assert [(c.region, c.kind) for c in found] == [(0, "blot"), (None, "point")]
    assert found[0].features == tuple(verdict["findings"][0]["features"])
    assert client.get("/inspection/jobs/other/corrections.jsonl").content == b""
    with Records(state / "records.sqlite") as disk:  # what another process reads
        assert len(disk.query(kind="inspection.correction")) == 3


def test_a_taught_job_learns_what_the_service_kept(client: TestClient, state: Path) -> None:
    record = judged(client)["record"]
    client.post(PLACE, json={"record": record, "region": 0, "kind": "blot"})
    kept, data = state / "kept.jsonl", state / "data"
    kept.write_bytes(client.get(FILE).content)
    for label, kind in (("good", None), ("stain", "stain")):
        (data / label).mkdir(parents=True)
        for i in range(3):
            pixels = frame("stain", 500.0, count=int(kind is not None))
            cv2.imwrite(str(data / label / f"part{i}.png"), pixels)
    words = ["teach", str(data), "--layout", "folder", "--method", "segment"]
    for name, more in (("plain", []), ("corrected", ["--corrections", str(kept)])):
        app([*words, "--job", str(state / f"{name}.job"), *more], result_action="return_value")
    plain, corrected = (Job.load(state / f"{n}.job") for n in ("plain", "corrected"))
    assert "blot" not in plain.recipe["settings"]["head"]["kinds"]["names"]
    assert "blot" in corrected.recipe["settings"]["head"]["kinds"]["names"]
    assert corrected.statistics["corrections"] == 1


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"record": 10**6, "region": 0, "kind": "stain"}, 404),
        ({"region": 99, "kind": "stain"}, 400),
        ({"region": None, "kind": "good"}, 400),
        ({"region": 0, "kind": "other"}, 400),
        ({"region": 0, "kind": "Not a kind"}, 422),
        ({"region": -1, "kind": "stain"}, 422),
        ({"region": 0, "kind": "stain", "job": "../belt"}, 422),
        ({"record": 2**63, "region": 0, "kind": "stain"}, 422),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_kept(
    client: TestClient, said: dict[str, Any], status: int
) -> None:
    answer = client.post(PLACE, json={"record": judged(client)["record"], **said})
    assert answer.status_code == status, answer.text
    assert client.get(PLACE).json() == []


def test_a_correction_is_no_verdict_and_needs_the_token(client: TestClient) -> None:
    record = judged(client)["record"]
    said = {"record": record, "region": 0, "kind": "blot"}
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        assert client.post(PLACE, json=said, headers=headers).status_code == 401
        assert client.get(PLACE, headers=headers).status_code == 401
        assert client.get(FILE, headers=headers).status_code == 401
    assert client.get(PLACE).json() == []
    kept = client.post(PLACE, json=said).json()["id"]
    assert client.post(PLACE, json={**said, "record": kept}).status_code == 404


def test_an_oversize_correction_is_refused_unparsed(state: Path) -> None:
    with served(state, max_body_bytes=4096) as client:
        said = json.dumps({"record": 1, "region": 0, "kind": "a" * 5000})
        assert client.post(PLACE, content=said).status_code == 413


def test_the_page_is_served_with_its_script_and_style(client: TestClient) -> None:
    page = client.get("/inspection/correct")
    assert page.status_code == 200 and "/inspection/correct/page.js" in page.text
    assert client.get("/inspection/correct/page.js").headers["content-type"].startswith("text/java")
    assert client.get("/inspection/correct/page.css").headers["content-type"].startswith("text/css")


def test_sizes_are_told_in_micrometres_where_the_scale_is(client: TestClient) -> None:
    path, shown = "/inspection/jobs/belt/inspect", files(frame("stain", 500.0))
    plain = judged(client)["findings"][0]
    told = client.post(path, files=shown, data={"um_per_px": "10"}).json()["findings"][0]
    assert plain["size_um"] is plain["u_size_um"] is None and plain["size_px"] > 0
    assert told["size_um"] == pytest.approx(10 * told["size_px"])
    assert told["u_size_um"] == pytest.approx(10 * told["u_size_px"])
    assert abs(told["size_um"] - 500) < 4 * told["u_size_um"] + 50  # its outline is irregular
    for wrong in ("0", "-1", "nan", "inf", "wide"):
        assert client.post(path, files=shown, data={"um_per_px": wrong}).status_code == 422
