"""A third party's direction, installed for the test by an entry point on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Lingnan = Callable[..., subprocess.CompletedProcess[str]]

ACCEPTANCE = """
import os, signal, time
from pathlib import Path
from common.acceptance.experiment import Experiment
from common.acceptance.figures import Picture, Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import exact, rate
from common.errors import MissingExtraError

PLACE = Path(os.environ["FAKE_PLACE"])
PNG = b"\\x89PNG\\r\\n\\x1a\\n" + b"rest"


def indicator(key, comparator="<=", target=0.5):
    return Indicator(key, "It works", "能用", "fraction", comparator, target, "simulated", "Tried")


def note(name):
    with (PLACE / "log").open("a") as log:
        log.write(name + "\\n")


def numbers(context):
    import numpy as np
    note("numbers")
    context.progress(1, 2, "half")
    k = int((np.random.default_rng(context.seed).random(1000) < 0.2).sum())
    digest = content_hash(context.seed)
    plot = Plot("t", "x", "y", (Series("s", [0, 1], [0, k]),))
    return {
        "T-NUM-a": rate(k, 1000, digest, figures=(plot, Picture(PNG, "<b>shown</b>"))),
        "T-NUM-b": exact(0.7, 3, digest),
    }


def public(context):
    note("public")
    files = sorted((context.data_root / "set").iterdir())
    return {"T-RUN-public": rate(0, 100, context.data_hash(files))}


def boom(context):
    print("printed by the experiment")
    raise RuntimeError("it broke")


def killed(context):
    os.kill(os.getpid(), signal.SIGKILL)


def extra(context):
    raise MissingExtraError("matplotlib", "report")


def wrong(context):
    return {"T-OTHER": exact(0, 1, content_hash(""))}


def slow(context):
    note("slow")
    while not (PLACE / "go").exists():
        time.sleep(0.05)
    return {"T-RUN-slow": exact(0, 1, content_hash(""))}


def timed(name):
    def run(context):
        start = time.monotonic()
        time.sleep(0.3)
        told = f"{start} {time.monotonic()}"
        return {f"T-TIME-{name}": exact(0, 1, content_hash(""), told)}
    return run


def one(name, run, *keys, **other):
    return Experiment(name, tuple(indicator(key) for key in keys), run, **other)


EXPERIMENTS = (
    one("numbers", numbers, "T-NUM-a", "T-NUM-b"),
    one("public", public, "T-RUN-public"),
    one("boom", boom, "T-BAD-boom"),
    one("killed", killed, "T-BAD-killed"),
    one("wrong", wrong, "T-BAD-wrong"),
    one("extra", extra, "T-EXTRA"),
    one("slow", slow, "T-RUN-slow"),
    one("alone", timed("alone"), "T-TIME-alone", exclusive=True),
    one("first", timed("first"), "T-TIME-first"),
    one("second", timed("second"), "T-TIME-second"),
)
"""


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a third party's installation made: package `fake_direction`, command fake."""
    site = tmp_path_factory.mktemp("site")
    package, info = site / "fake_direction", site / "fake_direction-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text('"""A direction for tests."""\n')
    (package / "acceptance.py").write_text(ACCEPTANCE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-direction\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lingnan.directions]\nfake = fake_direction\n")
    return site


@pytest.fixture
def environment(fake: Path, tmp_path: Path) -> dict[str, str]:
    """The environment in which the fake direction is installed; its log lies in tmp_path."""
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "data" / "set" / "a.bin").write_bytes(b"measured on this")
    path = os.pathsep.join([str(fake), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        "PYTHONPATH": path,
        "FAKE_PLACE": str(tmp_path),
        "LINGNAN_DATA": str(tmp_path / "data"),
        "LINGNAN_STATE": str(tmp_path / "state"),
    }


@pytest.fixture
def lingnan(environment: dict[str, str], tmp_path: Path) -> Lingnan:
    """The command, in the test's folder with the fake direction installed."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "common.cli.main", *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run
