"""The solver, the order of weights in memory, the depth of FIFOs and what synthesis tells."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.errors import EdgeError, ToolMissingError
from edge_deploy.fpga import synthesis, tools
from edge_deploy.fpga.deploy import deploy
from edge_deploy.fpga.device import ECP5, Resources, memory_blocks, total
from edge_deploy.fpga.fifos import depths
from edge_deploy.fpga.folding import Load, options, solve
from edge_deploy.fpga.layout import from_stream, to_stream
from edge_deploy.fpga.stages import Stage, full_words
from edge_deploy.fpga.window import Window
from tests.edge_deploy.fpga.mixed import mixed

pytestmark = pytest.mark.edge

NONE = Resources(0, 0, 0)


def _load(name: str, channels: int, filters: int, kernel: int = 3, size: int = 8) -> Load:
    pad = kernel // 2
    window = Window((channels, size, size), (kernel, kernel), (1, 1), (pad, pad), (size, size))
    return Load(name, window, filters, False)


def test_the_solver_finds_the_least_interval_of_all_choices() -> None:
    loads = (_load("a", 2, 4), _load("b", 4, 6), _load("c", 6, 2, kernel=1))
    limits = Resources(30, 100_000, 100)
    best = min(
        max(fold.cycles for fold in folds)
        for folds in product(*(options(load) for load in loads))
        if total(fold.cost for fold in folds).within(limits)
    )
    found = solve(loads, 0, NONE, limits)
    assert found.interval == best
    assert total(fold.cost for fold in found.folds.values()).within(limits)
    assert max(fold.cycles for fold in found.folds.values()) <= found.interval


def test_a_slower_goal_saves_multipliers() -> None:
    loads = (_load("a", 4, 8), _load("b", 8, 8))
    quick = solve(loads, 0, NONE, ECP5["85k"])
    slow = solve(loads, 0, NONE, ECP5["85k"], interval=4 * quick.interval)
    assert slow.multipliers <= quick.multipliers / 3


def test_what_would_stand_idle_is_not_built_where_little_is_lost() -> None:
    loads = (_load("a", 8, 16, 1), _load("b", 8, 16, 1), _load("c", 12, 4))
    waited = 0
    for most in range(20, 150, 3):
        found = solve(loads, 0, NONE, Resources(most, 100_000, 200))
        quickest = min(time for time in _times(loads) if _least(loads, time) + 6 <= most)
        assert quickest <= found.interval <= 1.3 * quickest
        if found.interval > quickest:
            waited += 1
            assert _busy(loads, quickest) < 0.8 <= _busy(loads, found.interval)
    assert waited


def _times(loads: tuple[Load, ...]) -> list[int]:
    """No quicker than every layer can be."""
    least = max(min(fold.cycles for fold in options(load)) for load in loads)
    return sorted(t for t in {f.cycles for load in loads for f in options(load)} if t >= least)


def _least(loads: tuple[Load, ...], time: int) -> int:
    """Multipliers, the rescalings' two a layer left out."""
    return sum(min(f.multipliers for f in options(load) if f.cycles <= time) for load in loads)


def _busy(loads: tuple[Load, ...], time: int) -> float:
    return sum(load.products for load in loads) / (_least(loads, time) * time)


def test_too_small_a_device_is_refused_with_the_cure() -> None:
    with pytest.raises(EdgeError, match="larger device"):
        solve((_load("a", 4, 8),), 0, NONE, Resources(3, 100, 1))


def test_the_words_of_weights_are_what_the_hardware_s_loops_meet() -> None:
    rng = np.random.default_rng(3)
    weight = rng.integers(-128, 128, (6, 4, 3, 2)).astype(np.int8)
    pixels = rng.integers(0, 256, (3, 2, 4))
    load = _load("a", 4, 6)
    fold = next(fold for fold in options(load) if (fold.filters, fold.taps) == (3, 2))
    words = full_words(weight, fold).astype(np.int64).reshape(2, 6, 2, 3, 2)
    taps = pixels.reshape(6, 2, 2)
    sums = np.einsum("gkwft,kwt->gf", words, taps).reshape(-1)
    assert np.array_equal(sums, np.einsum("oiyx,yxi->o", weight.astype(np.int64), pixels))


def test_streams_go_there_and_back() -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (3, 4, 5, 6)).astype(np.uint8)
    rows = to_stream(pictures, (4, 5, 6))
    assert np.array_equal(rows[0, :4], pictures[0, :, 0, 0])
    assert np.array_equal(from_stream(rows, (4, 5, 6), (4, 5, 6)), pictures)


def test_a_window_waits_for_its_last_pixel() -> None:
    """At least the greatest pixel number under the kernel; at most two columns of padding more,
    below the picture all of it.
    """
    window = Window((1, 6, 5), (3, 3), (1, 1), (1, 1), (6, 5))
    for at, (row, column) in enumerate(np.ndindex(6, 5)):
        last = min(row + 1, 5) * 5 + min(column + 1, 4)
        assert window.ready[at] > last
        assert window.ready[at] <= (30 if row == 5 else last + 2)


def test_the_shortcut_s_fifo_holds_what_the_window_keeps_waiting() -> None:
    """Beside a 3x3 window over 16 columns the other branch waits at least a row and a pixel."""
    shape = (4, 16, 16)
    window = Window(shape, (3, 3), (1, 1), (1, 1), (16, 16))
    long = Stage("long", "conv", ("x",), "y", 36, window=window)
    join = Stage("join", "add", ("x", "y"), "z", 4)
    shapes = dict.fromkeys("xyz", shape)
    found = depths([long, join], shapes, ["x"], 36 * 256)
    assert 17 * 4 <= found["join", "x"] <= 17 * 4 + 6 * 4
    assert found["join", "y"] <= 4 * 4


@pytest.mark.parametrize(
    ("width", "depth", "blocks"), [(8, 100, 0), (36, 512, 1), (8, 2049, 2), (128, 144, 4)]
)
def test_memories_are_counted_as_the_device_has_them(width: int, depth: int, blocks: int) -> None:
    assert memory_blocks(width, depth) == blocks


def test_a_missing_tool_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda tool: None)
    with pytest.raises(ToolMissingError, match=r"lingnan\[route\]"):
        synthesis.place(tmp_path, "85k")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(EdgeError, match="empty"):
        deploy(mixed(), tmp_path)
    assert (tmp_path / "mine").read_text() == "x"


def test_a_deployed_folder_is_whole(tmp_path: Path) -> None:
    made = deploy(mixed(), tmp_path / "net")
    text = "".join(path.read_text() for path in (tmp_path / "net").glob("*.v"))
    for stage in made.design.stages:
        assert f"module {stage.module} " in text
        for name in stage.tables:
            assert (tmp_path / "net" / name).stat().st_size > 0
    assert (tmp_path / "net" / "Makefile").exists()


def test_yosys_statistics_are_read_from_the_flat_module() -> None:
    text = """
   Number of cells:              1000
     CCU2C                           10
     DP16KD                           3
     LUT4                           100
     MULT18X18D                       7
     TRELLIS_DPR16X4                  2
"""
    assert synthesis._counted(text, "ecp5") == Resources(7, 100 + 2 * 10 + 8 * 2, 3)


@pytest.mark.slow
@pytest.mark.skipif(tools.missing("yosys") is not None, reason=str(tools.missing("yosys")))
def test_synthesis_keeps_to_the_multipliers_of_the_folding(tmp_path: Path) -> None:
    made = deploy(mixed(), tmp_path / "net", Resources(64, 30_000, 60))
    used = synthesis.synthesise(tmp_path / "net", "lingnan_net")
    assert used.dsp <= made.design.estimate.dsp
    assert used.dsp >= made.design.folding.multipliers
