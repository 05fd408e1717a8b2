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


@pytest.mark.parametrize("which", ["rover", "base"])
@pytest.mark.parametrize(("scale", "off"), [(b"GLO", "18 s earlier"), (b"BDT", "14 s earlier")])
def test_mixed_time_systems_are_named(tmp_path: Path, which: str, scale: bytes, off: str) -> None:
    """Epochs of GPS time under a header that tells of UTC's or BeiDou's."""
    path = tmp_path / "mixed.obs"
    told = b"         TIME OF FIRST OBS"
    text = (folder() / f"{which}.obs").read_bytes()
    path.write_bytes(text.replace(b"GPS" + told, scale + told))
    with pytest.raises(LingnanError, match=rf"mixed\.obs: mixed time systems.*km.* {off}"):
        solve(tmp_path / "x.pos", **{which: path})
    assert not (tmp_path / "x.pos").exists()


def test_another_time_system_that_is_told_is_no_fault(tmp_path: Path) -> None:
    """The base's epochs by BeiDou's clock, and said so."""
    told = b"         TIME OF FIRST OBS"
    head, body = (folder() / "base.obs").read_bytes().split(HEAD_ENDS)
    seconds = re.compile(rb"(?m)^(> \d{4} \d\d \d\d \d\d \d\d )([ \d]\d\.\d{7})")
    times = [found[2] for found in seconds.finditer(body)]
    assert min(map(float, times)) == 0.0, "the drive begins with a minute"
    early = seconds.sub(_fourteen_earlier, body)
    path = tmp_path / "bdt.obs"
    path.write_bytes(head.replace(b"GPS" + told, b"BDT" + told) + HEAD_ENDS + early)
    solve(tmp_path / "x.pos", base=path)
    solve(tmp_path / "same.pos")
    lines = [(tmp_path / name).read_text().splitlines() for name in ("x.pos", "same.pos")]
    one, other = ([line for line in text if line[:1] != "%"] for text in lines)
    assert one == other and len(one) == 12


def _fourteen_earlier(found: re.Match[bytes]) -> bytes:
    day, clock = found[1][:13], found[1][13:]
    hour, minute = (int(part) for part in clock.split())
    total = hour * 3600 + minute * 60 + float(found[2]) - 14
    return day + b"%02d %02d %010.7f" % (total // 3600, total // 60 % 60, total % 60)


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
