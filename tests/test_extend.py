"""docs/extend.md does what it says: its files are written out, installed and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.common

PAGE = Path(__file__).parents[1] / "docs" / "extend.md"
FILE = re.compile(r"^`([\w/]+\.py)`\n```python\n(.*?)^```", re.M | re.S)
TOML = re.compile(r"^```toml\n(.*?)^```", re.M | re.S)


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's packages, as an installed distribution on the path."""
    site = tmp_path / "site"
    text = PAGE.read_text(encoding="utf-8")
    for name, body in FILE.findall(text):
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
        (path.parent / "__init__.py").touch()
    info = site / "acme-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 0.1\n")
    lines = []
    for block in TOML.findall(text):
        for group, entries in tomllib.loads(block)["project"]["entry-points"].items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site


def lingnan(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "common.cli.main", *words],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ,
    )


def test_the_page_holds_the_files_it_names(acme: Path) -> None:
    found = sorted(
        str(path.relative_to(acme)) for path in acme.glob("*/*.py") if path.stat().st_size
    )
    assert found == [
        "acme_devices/folder_camera.py",
        "acme_pins/acceptance.py",
        "acme_pins/cli.py",
        "acme_pins/pipeline.py",
    ]


def test_the_camera_is_found_and_keeps_the_contract(acme: Path, tmp_path: Path) -> None:
    from common.drivers.base import DisconnectedError, DriverTimeoutError, StaleError
    from common.drivers.registry import broken, create

    folder = tmp_path / "spool"
    values = {
        "kind": "camera",
        "type": "acme-folder",
        "folder": str(folder),
        "height_px": 6,
        "width_px": 8,
    }
    assert broken() == ()
    camera = create(values)
    with pytest.raises(DisconnectedError, match="is not there"):
        camera.open()
    folder.mkdir()
    frames = {n: np.full((6, 8), 10 * n, np.uint8) for n in (3, 4, 7)}
    with camera:
        with pytest.raises(StaleError):
            camera.read_latest(max_age_s=1.0)
        for number, frame in frames.items():
            beside = folder / f"{number}.part"
            beside.write_bytes(cv2.imencode(".png", frame)[1].tobytes())
            beside.rename(folder / f"{number}.png")
            sample = camera.read(timeout_s=10.0)
            assert np.array_equal(sample.value.pixels, frame)
        (folder / "8.png").write_bytes(b"\x89PNG, cut short")
        with pytest.raises(DriverTimeoutError):
            camera.read(timeout_s=0.5)
        counters = camera.health.counters
        assert (counters.received, counters.dropped, counters.corrupt) == (3, 2, 1)


def test_the_direction_is_listed_and_counts(acme: Path, tmp_path: Path) -> None:
    assert " pins " in lingnan("--help").stdout
    part = np.full((64, 208), 200, np.uint8)
    for pin in range(5):
        part[20:44, 8 + 16 * pin : 16 + 16 * pin] = 60
    cv2.imwrite(str(tmp_path / "part.png"), part)
    assert lingnan("pins", "count", str(tmp_path / "part.png")).stdout.strip() == "5"
    missing = lingnan("pins", "count", str(tmp_path / "none.png"))
    assert missing.returncode == 2
    assert "none.png: not an image" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_its_indicator_is_measured(acme: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = lingnan("accept", "pins", "--out", str(out))
    assert done.returncode == 0, done.stderr
    rows = json.loads((out / "acceptance.json").read_text(encoding="utf-8"))["rows"]
    assert [(row["id"], row["n"], row["verdict"]) for row in rows] == [("ACME-1", 300, "met")]
    assert (rows[0]["value"], rows[0]["evidence"]) == (0.0, "simulated")
