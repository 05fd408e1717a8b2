"""What is wrong with files that go together badly: said by name, and nothing is written."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

from common.errors import LingnanError
from positioning.cli import app
from positioning.gnss.rtk.checks import check_stands
from positioning.gnss.rtk.errors import RtkError

pytestmark = pytest.mark.positioning

HEAD_ENDS = b"END OF HEADER"


def run(*words: object) -> None:
    app([str(word) for word in words], result_action="return_value", exit_on_error=False)


@cache
def folder() -> Path:
    made = Path(mkdtemp(prefix="lingnan-"))
    run("simulate", made, "--layout", "avenue", "--seed", 32, "--duration", 12, "--rate", 1)
    return made


def solve(out: Path, **other: Path) -> None:
    files = {"rover": folder() / "rover.obs", "base": folder() / "base.obs",
             "nav": folder() / "nav.nav"} | other  # fmt: skip
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    run("solve", *words, "--out", out)


def messages_without(letter: str, path: Path) -> Path:
    head, body = (folder() / "nav.nav").read_bytes().split(HEAD_ENDS)
    rest, text = body.split(b"\n", 1)
    starts = re.compile(rb"(?m)^(?=[A-Z]\d\d |> )")
    kept = [part for part in starts.split(text) if letter.encode() not in part[:8]]
    path.write_bytes(head + HEAD_ENDS + rest + b"\n" + b"".join(kept))
    return path


def test_a_time_system_that_is_not_known_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.obs"
    told = b"         TIME OF FIRST OBS"
    text = (folder() / "rover.obs").read_bytes()
    path.write_bytes(text.replace(b"GPS" + told, b"XYZ" + told))
    with pytest.raises(LingnanError, match=r"odd\.obs.*time system 'XYZ'"):
        solve(tmp_path / "x.pos", rover=path)
    assert not (tmp_path / "x.pos").exists()


def test_satellites_without_navigation_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solve(tmp_path / "whole.pos")
    assert "left out" not in capsys.readouterr().err
    solve(tmp_path / "x.pos", nav=messages_without("G", tmp_path / "few.nav"))
    told = capsys.readouterr().err
    note = next(line for line in told.splitlines() if "left out" in line)
    names = note.split("left out: ")[1].split(", ")
    assert "few.nav" in note and len(names) > 3 and all(name[0] == "G" for name in names)


def test_a_solution_of_another_time_is_no_score_of_nothing(tmp_path: Path) -> None:
    solve(tmp_path / "x.pos")
    text = (folder() / "truth.csv").read_text()
    late = tmp_path / "late.csv"
    late.write_text(re.sub(r"(?m)^(\d{4}),", lambda found: f"{int(found[1]) - 1},", text))
    with pytest.raises(LingnanError, match="share no time"):
        run("score", tmp_path / "x.pos", "--truth", late)


def test_a_base_that_moves_is_refused() -> None:
    here = np.array([-2.3e6, 5.4e6, 2.5e6])
    check_stands(here, here + 30.0)
    check_stands(None, here)
    with pytest.raises(RtkError, match="swapped"):
        check_stands(here, here + np.array([0.0, 150.0, 0.0]))
