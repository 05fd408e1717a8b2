"""Whole runs of the command over a third party's direction."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from common.acceptance.document import exit_code
from common.directions import installed

from ..conftest import Lingnan

pytestmark = pytest.mark.common

ROW = "id direction claim guide value low high n unit comparator target evidence verdict method data_sha256 seed seconds note"  # noqa: E501
HEAD = ("lingnan", "commit", "machine", "versions", "seed", "size", "started", "finished")


def read(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "acceptance.json").read_bytes())
    return document


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in read(folder)["rows"]}


def test_rows_are_those_of_the_format_and_repeat_with_the_seed(
    lingnan: Lingnan, tmp_path: Path
) -> None:
    for out, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        done = lingnan("accept", "fake", "--only", "T-NUM", "--out", out, "--seed", seed)
        assert done.returncode == 1, done.stderr  # T-NUM-b, 0.7 against 0.5, is not met
    a, b, c = (rows(tmp_path / out) for out in "abc")
    assert [*a["T-NUM-a"]] == ROW.split()
    for row in (*a.values(), *b.values()):
        row.pop("seconds")
    assert a == b
    assert a["T-NUM-a"]["value"] != c["T-NUM-a"]["value"]
    assert a["T-NUM-a"]["verdict"] == "met"
    assert a["T-NUM-b"]["verdict"] == "not met"
    document = read(tmp_path / "a")
    assert all(document[name] for name in HEAD if name != "commit")
    assert document["seed"] == 7
    assert document["verdicts"]["not met"] == 1
    assert [figure["shows"] for figure in document["figures"]["T-NUM-a"]] == ["t", "<b>shown</b>"]


def test_what_crashes_is_a_row_with_its_reason_and_stops_nobody(
    lingnan: Lingnan, tmp_path: Path
) -> None:
    done = lingnan("accept", "fake", "--only", "T-BAD", "--out", "bad")
    assert done.returncode == 2
    found = rows(tmp_path / "bad")
    assert {row["verdict"] for row in found.values()} == {"not measured"}
    assert "RuntimeError: it broke" in found["T-BAD-boom"]["note"]
    assert "SIGKILL" in found["T-BAD-killed"]["note"]
    assert "T-OTHER" in found["T-BAD-wrong"]["note"]
    assert (
        "printed by the experiment" in (tmp_path / "bad/logs/fake_direction.boom.txt").read_text()
    )
    assert "Traceback" not in done.stdout + done.stderr


def test_a_missing_extra_is_not_measured_and_names_the_cure(
    lingnan: Lingnan, tmp_path: Path
) -> None:
    assert lingnan("accept", "fake", "--only", "T-EXTRA", "--out", "x").returncode == 0
    row = rows(tmp_path / "x")["T-EXTRA"]
    assert row["verdict"] == "not measured"
    assert "pip install 'lingnan[report]'" in row["note"]


def test_exclusive_experiments_run_alone(lingnan: Lingnan, tmp_path: Path) -> None:
    assert lingnan("accept", "fake", "--only", "T-TIME", "--out", "t").returncode == 0
    found = rows(tmp_path / "t")
    spans = {key: [float(x) for x in row["note"].split()] for key, row in found.items()}
    begin, end = spans.pop("T-TIME-alone")
    assert all(stop <= begin or start >= end for start, stop in spans.values())


def test_only_takes_whole_parts_of_an_id(lingnan: Lingnan, tmp_path: Path) -> None:
    assert lingnan("accept", "fake", "--only", "T-NUM-a", "--out", "o").returncode == 0
    assert [*rows(tmp_path / "o")] == ["T-NUM-a"]
    done = lingnan("accept", "fake", "--only", "T-NU", "--out", "o")
    assert done.returncode == 2
    assert "begins with 'T-NU'" in done.stderr
    assert [*rows(tmp_path / "o")] == ["T-NUM-a"]


def test_full_size_does_not_let_on_track_pass() -> None:
    held = {"stopped": {}, "rows": [{"verdict": "met"}, {"verdict": "not measured"}]}
    assert exit_code({**held, "size": "full"}) == 0
    tracked = {"stopped": {}, "rows": [{"verdict": "on track"}]}
    assert exit_code({**tracked, "size": "quick"}) == 0
    assert exit_code({**tracked, "size": "full"}) == 1
    assert exit_code({**tracked, "size": "quick", "stopped": {"x": "y"}}) == 2


def wait_for(path: Path, word: str) -> None:
    give_up = time.monotonic() + 60
    while not (path.is_file() and word in path.read_text()):
        assert time.monotonic() < give_up, f"{word} never came"
        time.sleep(0.05)


def test_an_interrupted_run_goes_on_where_it_was(
    lingnan: Lingnan, environment: dict[str, str], tmp_path: Path
) -> None:
    words = ("accept", "fake", "--only", "T-RUN", "--out", "r")
    command = [sys.executable, "-m", "common.cli.main", *words]
    process = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    wait_for(tmp_path / "r/.partial/fake_direction.public/result.json", "key")
    wait_for(tmp_path / "log", "slow")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "1 finished experiments are kept" in told
    assert not (tmp_path / "r/acceptance.json").exists()

    (tmp_path / "go").touch()
    assert lingnan(*words).returncode == 0
    assert (tmp_path / "log").read_text().split().count("public") == 1
    assert not (tmp_path / "r/.partial").exists()

    assert lingnan(*words).returncode == 0  # a finished run is measured anew
    assert (tmp_path / "log").read_text().split().count("public") == 2


def test_what_was_kept_is_measured_anew_when_its_data_changed(
    environment: dict[str, str], fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from common.acceptance.catalogue import choose, plan
    from common.acceptance.progress import PlainDisplay
    from common.acceptance.runner import Run, kept, run_all

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(fake))
    planned = plan(choose(["fake"]), "T-RUN-public").experiments
    run = Run(tmp_path / "k", "quick", 1, tmp_path / "data")
    with PlainDisplay(1, sys.stderr) as shown:
        run_all(run, planned, shown)
    assert kept(run, planned[0]) is not None
    assert kept(Run(run.out, "full", 1, run.data_root), planned[0]) is None
    assert kept(Run(run.out, "quick", 2, run.data_root), planned[0]) is None
    (tmp_path / "data/set/a.bin").write_bytes(b"measured on thiS")
    assert kept(run, planned[0]) is None


@pytest.mark.parametrize("killed", ["runner", "host"])
def test_no_process_outlives_its_runner_or_its_host(
    environment: dict[str, str], tmp_path: Path, killed: str
) -> None:
    words = ("accept", "fake", "--only", "T-RUN-slow", "--out", "g")
    command = [sys.executable, "-m", "common.cli.main", *words]
    runner = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_for(tmp_path / "log", "slow")
    try:
        (host,) = _children(runner.pid)
        (worker,) = _children(host)
        os.kill(runner.pid if killed == "runner" else host, signal.SIGKILL)
        give_up = time.monotonic() + 20
        while _runs(host) or _runs(worker):
            assert time.monotonic() < give_up, "a process outlived the one that began it"
            time.sleep(0.05)
    finally:
        if killed == "runner":
            runner.kill()
        code = runner.wait(timeout=30)
    if killed == "host":
        assert code == 2
        assert "SIGKILL" in rows(tmp_path / "g")["T-RUN-slow"]["note"]


def _children(process: int) -> list[int]:
    path = Path(f"/proc/{process}/task/{process}/children")
    if not path.is_file():
        pytest.skip("this system does not list a process' children")
    return [int(child) for child in path.read_text().split()]


@pytest.mark.parametrize("direction", ["common", *(d.package for d in installed())])
def test_importing_experiments_starts_no_thread_that_a_fork_would_leave_behind(
    direction: str,
) -> None:
    code = (
        "import os, sys; from common.acceptance.catalogue import choose, experiments_of;"
        f"experiments_of(*choose([{direction!r}])); print(len(os.listdir('/proc/self/task')))"
    )
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=alone, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == 1


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
