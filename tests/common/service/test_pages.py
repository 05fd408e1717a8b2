"""Dashboard, report, metrics, records and the directions that cannot be loaded."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from .conftest import client_of
from .toy import BEARER

pytestmark = [pytest.mark.common, pytest.mark.service]
SCRIPT = "document.title = 'x';"
ROW = {
    "id": "S4-D1-K3",
    "direction": "inspection",
    "claim": "<b>Misses</b>",
    "guide": "漏检率不高于0.3%",
    "value": 0.0,
    "low": 0.0,
    "high": 0.003,
    "n": 1000,
    "unit": "fraction",
    "comparator": "<=",
    "target": 0.003,
    "evidence": "simulated",
    "verdict": "met",
}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "acceptance.json").write_text(json.dumps({"rows": [ROW], "seed": 7, "size": "quick"}))
    (folder / "index.html").write_text(f"<!doctype html><script>{SCRIPT}</script>")
    (folder / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def shown(tmp_path: Path, report: Path) -> Iterator[TestClient]:
    with client_of(tmp_path / "state", headers=BEARER, report=report) as opened:
        yield opened


def test_the_dashboard_shows_the_table_and_escapes_it(shown: TestClient) -> None:
    page = shown.get("/").text
    assert "S4-D1-K3" in page and "漏检率不高于0.3%" in page and "seed 7" in page
    assert all(f'id="{place}"' in page for place in ("picture", "pictures", "bars", "steps"))
    assert "&lt;b&gt;Misses" in page and "<b>Misses" not in page
    assert "ImportError: a plug-in that needs" in page


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"rows": 5}', '{"rows": [{}]}', "[" * 10**5, '{"rows": [[]]}']
)
def test_a_broken_table_is_said_and_breaks_nothing(
    shown: TestClient, report: Path, content: str
) -> None:
    (report / "acceptance.json").write_text(content)
    page = shown.get("/")
    assert page.status_code == 200 and "acceptance.json cannot be read" in page.text


def test_the_report_has_a_policy_for_itself_alone(shown: TestClient) -> None:
    answer = shown.get("/report/index.html")
    policy = answer.headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "sandbox allow-scripts" in policy and "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert shown.get("/report/acceptance.json").json()["seed"] == 7


@pytest.mark.parametrize(
    "name",
    [
        "secret.txt",
        "%2e%2e",
        "%2e%2e%2fsecret.txt",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "../records.sqlite",
        "....//secret.txt",
        "index.html/..%2fsecret.txt",
        "%252e%252e",
        "\\..",
    ],
)
def test_nothing_else_is_read(shown: TestClient, name: str) -> None:
    answer = shown.get(f"/report/{name}")
    assert answer.status_code == 404 and "secret" not in answer.text


def test_links_and_devices_in_a_files_place_are_refused(
    shown: TestClient, report: Path, tmp_path: Path
) -> None:
    page = report / "index.html"
    page.unlink()
    page.symlink_to(tmp_path / "report" / "secret.txt")
    assert shown.get("/report/index.html").status_code == 404
    (report / "acceptance.json").unlink()
    (report / "acceptance.json").symlink_to("/dev/zero")
    assert shown.get("/report/acceptance.json").status_code == 404
    assert shown.get("/").status_code == 200
    page.unlink()
    page.mkdir()
    assert shown.get("/report/index.html").status_code == 404


def test_metrics_are_counted_by_template(client: TestClient) -> None:
    for name in ("a", "b", "c"):
        client.get(f"/v2/models/{name}")
        client.get(f"/{name}")
    client.request("BREW", "/status")
    text = client.get("/metrics").text
    assert 'lingnan_requests_total{method="GET",route="/v2/models/{name}",status="404"} 3.0' in text
    assert 'lingnan_requests_total{method="GET",route="(none)",status="404"} 3.0' in text
    assert 'method="other"' in text and "BREW" not in text
    client.post("/toy/note")
    text = client.get("/metrics").text
    assert 'route="/toy/note"' in text and 'lingnan_records_total{kind="toy.note"} 1.0' in text
    assert re.search(r"lingnan_queue_depth 0.0", text)
    assert 'lingnan_request_seconds_bucket{le="0.1",route="/toy/note"}' in text


def test_two_applications_count_apart(tmp_path: Path) -> None:
    with (
        client_of(tmp_path / "a", headers=BEARER) as one,
        client_of(tmp_path / "b", headers=BEARER) as two,
    ):
        one.post("/toy/note")
        assert "toy.note" not in two.get("/metrics").text


def test_records_are_listed_and_paged(client: TestClient) -> None:
    ids = [client.post(f"/toy/note?number={n}").json() for n in range(5)]
    newest = client.get("/records?limit=2").json()
    assert [r["id"] for r in newest] == ids[:-3:-1]
    later = client.get(f"/records?after={ids[1]}&kind=toy.note").json()
    assert [r["payload"]["number"] for r in later] == [2, 3, 4]
    assert client.get("/records?limit=0").status_code == 422


def test_a_broken_direction_is_reported_and_kills_nothing(client: TestClient) -> None:
    directions = {d["name"]: d for d in client.get("/status").json()["directions"]}
    assert directions["broken"]["error"].startswith("ImportError")
    assert directions["toy"]["error"] == "" and directions["toy"]["demo"]["state"] == "idle"
    assert client.post("/toy/sleep").json() == "slept"
