"""The command: what it lists, what it loads, and what becomes of errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import __version__
from common.cli import main
from common.cli.interrupt import Interruption

from ..conftest import Lingnan

pytestmark = pytest.mark.common

HEAVY = {
    *("numpy", "scipy", "cv2", "onnxruntime", "torch", "numba"),
    *("fastapi", "uvicorn", "matplotlib", "rclpy", "mcap"),
}


def loaded(*words: str) -> set[str]:
    """Top-level modules that the command line has imported when it ends."""
    code = (
        "import sys, json; from common.cli.main import run; code = run(sys.argv[1:]); "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), "
        "file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.base
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["accept", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    assert loaded(*words).isdisjoint(HEAVY)


@pytest.mark.base
def test_help_lists_the_shared_commands_and_the_directions(lingnan: Lingnan) -> None:
    done = lingnan("--help")
    assert done.returncode == 0
    words = set(done.stdout.split())
    assert {"accept", "serve", "record", "replay", "models", "doctor"} <= words
    assert lingnan("--version").stdout.strip() == __version__


def test_a_directions_commands_are_found_by_its_entry_point(lingnan: Lingnan, fake: Path) -> None:
    (fake / "fake_direction" / "cli.py").write_text(
        "from cyclopts import App\napp = App(name='fake')\n\n"
        "@app.command\ndef greet(name: str) -> int:\n    print('hello', name)\n    return 3\n"
    )
    try:
        assert "A direction for tests." in lingnan("--help").stdout
        done = lingnan("fake", "greet", "world")
    finally:
        (fake / "fake_direction" / "cli.py").unlink()
    assert (done.stdout, done.returncode) == ("hello world\n", 3)


def test_a_broken_direction_breaks_only_itself(lingnan: Lingnan, fake: Path) -> None:
    source = fake / "fake_direction" / "__init__.py"
    before = source.read_text()
    source.write_text("raise RuntimeError('half installed')\n")
    try:
        assert lingnan("--help").returncode == 0
        done = lingnan("doctor", "--json")
    finally:
        source.write_text(before)
    assert done.returncode == 1
    faults = [c["told"] for c in json.loads(done.stdout)["checks"] if c["state"] == "fault"]
    assert any("half installed" in told for told in faults)


@pytest.mark.base
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["bogus"], "bogus"),
        (["accept", "--size", "huge"], "huge"),
        (["accept", "nowhere"], "no direction is called 'nowhere'"),
        (["accept", "--seed", "-1"], "--seed must be 0 or more"),
        (["accept", "--sha256", "ab"], "--sha256 needs --verify"),
        (["accept", "fake", "--out", "/proc/nothing"], "/proc/nothing"),
        (["serve", "--port", "99999"], "0..65535"),
        (["serve", "--token-file", "none"], "no file with a token"),
        (["case-sheet", "r", "t.md"], "t.md does not exist"),
    ],
)
def test_bad_words_give_a_message_and_exit_2(lingnan: Lingnan, words: list[str], told: str) -> None:
    done = lingnan(*words)
    assert done.returncode == 2
    assert told in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_interruption_and_a_closed_pipe_have_the_shells_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cyclopts import App

    app = App(suppress_keyboard_interrupt=False, result_action="return_value")

    @app.command
    def stop() -> None:
        raise KeyboardInterrupt

    @app.command
    def missing() -> None:
        Path("/no/such/file").read_bytes()

    monkeypatch.setattr(main, "build", lambda: app)
    assert main.run(["stop"]) == 130
    assert main.run(["missing"]) == 2
    assert "/no/such/file: No such file or directory" in capsys.readouterr().err


def test_an_interruption_that_a_finaliser_swallowed_still_stops_the_command() -> None:
    code = """
import sys, time
from cyclopts import App
from common.cli import main

class Struck:
    def __init__(self, error): self.error = error
    def __del__(self): raise self.error

app = App(suppress_keyboard_interrupt=False, result_action="return_value")

@app.command
def work():
    half_built = Struck(AttributeError("half built"))
    Struck(KeyboardInterrupt())
    for _ in range(600):
        time.sleep(0.05)

main.build = lambda: app
sys.argv = ["lingnan", "work"]
main.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=25
    )
    assert (done.returncode, done.stderr) == (130, "lingnan: stopped\n")


def test_other_faults_of_finalisers_are_told_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda one: told.append(one.exc_type))

    class Faulty:
        def __del__(self) -> None:
            raise ValueError

    with Interruption():
        Faulty()
    assert told == [ValueError]


@pytest.mark.skipif(os.name != "posix", reason="needs a shell's pipe")
def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -m common.cli.main accept --help | true",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "inspection evaluate DATA --layout deeppcb --job J --json -",
        "inspection generate DATA --kind pit --size-px 9 --out O --at -5,3",
        "positioning solve --rover R --nav N --out O --base-position -2417142,5382345,2415036",
        "positioning solve --rover R --nav N --out O --lever -0.9,0.12,1.05",
    ],
)
def test_a_value_that_begins_with_a_hyphen_is_taken_as_the_value(
    words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main.run(words.split()) == 2  # the files are not there, or the place is off the picture
    told = capsys.readouterr()
    assert "requires an argument" not in told.out + told.err
    assert told.err.startswith("lingnan: ")
