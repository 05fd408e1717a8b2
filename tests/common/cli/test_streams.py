"""`record` and `replay` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.cli.streams import read_config
from common.errors import LingnanError

from ..conftest import Lingnan

pytestmark = pytest.mark.common

CAMERA = """
kind = "camera"
type = "sim"
height_px = 48
width_px = 64
rate_hz = 50.0
realtime = false
parameters = { height_px = 48, width_px = 64 }
"""


def test_a_recording_replays_the_same_twice(lingnan: Lingnan, tmp_path: Path) -> None:
    (tmp_path / "camera.toml").write_text(CAMERA)
    done = lingnan("record", "camera.toml", "r.mcap", "--frames", "12", "--json")
    assert done.returncode == 0, done.stderr
    recorded = json.loads(done.stdout)
    assert (recorded["samples"], recorded["end"]) == (12, "frames")
    first, again = (json.loads(lingnan("replay", "r.mcap", "--json").stdout) for _ in range(2))
    assert first == again
    assert first["replayed"] == 12
    assert first["topics"][0]["samples"] == 12
    other = lingnan("record", "camera.toml", "r.mcap", "--frames", "1")
    assert other.returncode == 2
    assert "exists already" in other.stderr


def test_the_hash_sees_one_changed_sample(lingnan: Lingnan, tmp_path: Path) -> None:
    found = set()
    for seed in (1, 2):
        (tmp_path / "camera.toml").write_text(CAMERA + f"seed = {seed}\n")
        lingnan("record", "camera.toml", f"{seed}.mcap", "--frames", "3")
        found.add(json.loads(lingnan("replay", f"{seed}.mcap", "--json").stdout)["sha256"])
    assert len(found) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["record", "camera.toml", "r.mcap"], "camera.toml does not exist"),
        (["record", "camera", "r.mcap"], "nor kind/type"),
        (["record", "radar/none", "r.mcap"], "no driver 'radar/none'"),
        (["record", "camera/sim", "r.mcap", "--frames", "0"], "--frames must be more than 0"),
        (["replay", "r.mcap"], "r.mcap"),
    ],
)
def test_bad_words_are_answered(lingnan: Lingnan, words: list[str], told: str) -> None:
    done = lingnan(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("c.toml", "kind = ", "Invalid value"),
        ("c.json", "[1]", "no table"),
        ("c.json", "{" * 5, "Expecting"),
        ("c.json", " " * (2**20 + 1), "too large"),
    ],
)
def test_a_config_that_is_none_is_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(LingnanError, match=told) as caught:
        read_config(str(tmp_path / name))
    assert name in str(caught.value)
