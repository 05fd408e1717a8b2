"""The supernet: a subnet is what the architecture says, in torch, in ONNX and on the device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")
pytest.importorskip("torch", reason="torch is not installed: pip install 'lingnan[train]'")

from edge_deploy.errors import EdgeError
from edge_deploy.search.command import Steps, search_and_deploy
from edge_deploy.search.cost import Limits
from edge_deploy.search.data import Labelled, split
from edge_deploy.verify import tools

pytestmark = [pytest.mark.edge, pytest.mark.train]

LIMITS = Limits(macs=300_000, arena=7_000, dsp=80, frames_hz=4000)


@pytest.fixture(scope="module")
def bars() -> Labelled:
    """Bright bars across, down and aslant, anywhere."""
    rng = np.random.default_rng(1)
    classes = []
    for slope in (0, 1, 2):
        y, x = np.mgrid[:32, :32]
        along = (x, y, x + y)[slope]
        shown = [np.abs(along - rng.integers(8, 24)) < 3 for _ in range(20)]
        classes.append(np.stack([one * 200 + rng.integers(0, 40, (32, 32)) for one in shown]))
    return split([own.astype(np.uint8) for own in classes])


def test_from_data_and_limits_to_verified_c(bars: Labelled, tmp_path: Path) -> None:
    if reason := tools.missing(["gcc"]):
        pytest.skip(reason)
    told: list[str] = []
    out = tmp_path / "net"
    made = search_and_deploy(
        bars,
        LIMITS,
        out,
        "bayes",
        12,
        3,
        Steps(30, 120),
        lambda done, total, what: told.append(what),
    )
    assert made["mismatches"] == 0 and made["verified"] >= 256
    # what was told of the architecture before it was learned is what the C planner then needs
    assert made["macs"] == made["expected_macs"] <= LIMITS.macs
    assert made["arena_bytes"] == made["expected_arena_bytes"] <= LIMITS.arena
    assert made["dsp"] <= LIMITS.dsp and made["frames_hz"] >= LIMITS.frames_hz
    assert (out / "verilog" / "Makefile").is_file()
    assert made["accuracy_int8"] > 0.8
    assert made["evaluated"] == 12 and len(told) == 4
    assert {"Makefile", "searched_int8.onnx", "expected.bin"} <= {p.name for p in out.iterdir()}
    with pytest.raises(EdgeError, match="not an empty folder"):
        search_and_deploy(bars, LIMITS, out, "bayes", 2, 3, Steps(1, 1), lambda *_: None)
