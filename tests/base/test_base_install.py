"""What an ARM board does: teach, judge and run a comparison with nothing but the base install."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inspection.boards import write

pytestmark = [pytest.mark.base, pytest.mark.inspection]

HEAVY = ("torch", "numba", "matplotlib", "fastapi", "rclpy", "onnx", "harvesters")


def lingnan(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "common.cli.main", "inspection", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=150)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job taught on four boards."""
    root = tmp_path_factory.mktemp("taught")
    write(root)
    path = root / "part.job"
    done = lingnan("teach", str(root), "--layout", "deeppcb", "--job", str(path))
    assert done.returncode == 0, done.stderr
    assert "taught on 16 images of 4 parts" in done.stdout
    return path


@pytest.mark.skipif(os.environ.get("LINGNAN_TIER") != "base", reason="the full environment")
def test_no_extra_is_installed() -> None:
    assert [name for name in HEAVY if importlib.util.find_spec(name)] == []


def test_other_boards_are_judged_without_a_miss(job: Path, tmp_path: Path) -> None:
    write(tmp_path, seed=11)
    out = tmp_path / "scores.json"
    done = lingnan(
        "evaluate", str(tmp_path), "--layout", "deeppcb", "--job", str(job), "--json", str(out)
    )
    assert done.returncode == 0, done.stderr
    scores = json.loads(out.read_text())
    assert (scores["n_images"], scores["n_defects"], scores["miss_rate"]) == (16, 48, 0.0)
    assert scores["miss_high"] == pytest.approx(1 - 0.05 ** (1 / 48), abs=1e-9)
    assert scores["map50"] > 0.95
    assert scores["image_auroc"] is None and scores["pixel_auroc"] is None


def test_run_writes_results_and_goes_on_where_it_stopped(job: Path, tmp_path: Path) -> None:
    parts, out = tmp_path / "parts", tmp_path / "out"
    parts.mkdir()
    write(parts, boards=1, seed=5)
    (parts / "broken_test.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    words = ("run", str(parts), "--job", str(job), "--out", str(out), "--json")
    first = json.loads(lingnan(*words, "--limit", "2").stdout)
    assert (first["n_images"], first["n_resumed"]) == (2, 0)
    second = json.loads(lingnan(*words).stdout)
    assert (second["n_images"], second["n_resumed"], second["n_refused"]) == (2, 2, 1)
    assert "broken_test.jpg" in second["refused"][0]
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    judged = [line for line in lines if "score" in line]
    assert len(lines) == 5 and all(line["defective"] for line in judged)
    assert all((out / line["overlay"]).stat().st_size > 1000 for line in judged)
    kinds = {region["kind"] for line in judged for region in line["regions"]}
    assert kinds <= {"open", "short", "mousebite", "spur", "copper", "pin-hole"} and len(kinds) > 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "nowhere", "--job", "JOB", "--out", "OUT"), "nowhere: no such file or folder"),
        (("run", "JOB", "--job", "none.job", "--out", "OUT"), "none.job: no such job file"),
        (("run", "JOB", "--job", "CUT", "--out", "OUT"), "cut.job: damaged or changed"),
        (("run", "JOB", "--job", "JOB", "--out", "OUT"), "part.job: not an image, video"),
        (("teach", "nowhere", "--layout", "folder", "--job", "OUT"), "nowhere"),
    ],
)
def test_mistakes_are_named_without_a_trace(
    job: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    cut = tmp_path / "cut.job"
    cut.write_bytes(job.read_bytes()[:-1000])
    places = {"JOB": str(job), "CUT": str(cut), "OUT": str(tmp_path / "out")}
    done = lingnan(*(places.get(word, word) for word in words))
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
