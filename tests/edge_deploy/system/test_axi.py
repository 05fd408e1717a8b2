"""What stands between a bus and a network's streams, on a memory that holds AXI4's rules to it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.fpga import tools
from edge_deploy.system import build

reason = tools.missing("verilator")
pytestmark = [pytest.mark.edge, pytest.mark.skipif(reason is not None, reason=str(reason))]
HEADERS = ("axi_memory.h", "axi_lite.h", "registers.h")

FAULTS = {
    "lingnan_axi_read.v": {
        "to_boundary = BURST - {2'd0, next[3:0]}": ("to_boundary = BURST", "crosses 4 KB"),
        "if (arready) arvalid": ("if (arready || owed[0]) arvalid", "changed before it was taken"),
    },
    "lingnan_axi_write.v": {
        "wlast = sending == 6'd1": ("wlast = sending == 6'd2", "wlast at another word"),
        "strobe | 8'd1 << lane": ("8'hff", "a byte beside was written"),
        "answered && bresp[1] && running": ("1'b0", "its status"),
    },
    "lingnan_axi_lite.v": {"known && wstrb == 4'hf": ("known", "half a word is taken")},
}


def bench(folder: Path, changed: dict[str, str] | None = None) -> None:
    """Build it; changed: Verilog by the file's name."""
    folder.mkdir(exist_ok=True)
    build.movers(folder)
    for name in HEADERS:
        text = resources.files("edge_deploy.system").joinpath(name).read_text("utf-8")
        (folder / name).write_text(text)
    for name, text in (changed or {}).items():
        (folder / name).write_text(text)
    source = Path(__file__).with_name("axi_bench.cpp").resolve()
    tools.run(
        ["verilator", "--cc", "--exe", "--build", "-Wall", "--top-module", "lingnan_axi",
         "-CFLAGS", f"-I{folder.resolve()} -O1", source, *build.MOVERS, build.FIFO],
        folder,
    )  # fmt: skip


def run(folder: Path, jobs: int, seed: int, waits: int, latency: int) -> tuple[list[int], float]:
    """Jobs by kind (plain, beyond, read and write refused, reset), and bytes a cycle."""
    arguments = [str(value) for value in (jobs, seed, waits, latency)]
    *kinds, pace = tools.run(["./obj_dir/Vlingnan_axi", *arguments], folder).split()
    return [int(kind) for kind in kinds], float(pace)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("axi")
    bench(folder)
    return folder


@pytest.mark.parametrize(("waits", "latency"), [(0, 0), (20, 30), (60, 5), (0, 200), (90, 60)])
def test_random_jobs_are_whole_and_refused_ones_told(built: Path, waits: int, latency: int) -> None:
    kinds, _ = run(built, 150, 31 + waits, waits, latency)
    assert sum(kinds) == 150
    assert min(kinds) >= 5


def test_a_byte_moves_in_nearly_every_cycle(built: Path) -> None:
    _, pace = run(built, 0, 32, 0, 20)
    assert 0.97 < pace <= 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "right"), [(file, right) for file, listed in FAULTS.items() for right in listed]
)
def test_a_broken_rule_is_seen(tmp_path: Path, file: str, right: str) -> None:
    build.movers(tmp_path)
    broken, message = FAULTS[file][right]
    text = (tmp_path / file).read_text()
    assert text.count(right) == 1
    bench(tmp_path, {file: f"/* verilator lint_off UNUSED */\n{text.replace(right, broken)}"})
    with pytest.raises(EdgeError, match=message):
        run(tmp_path, 400, 33, 30, 20)
