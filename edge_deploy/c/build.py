"""How a target's program is compiled and run: one table, used by Makefiles and by `verify`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from edge_deploy.c.generate import Sources
from edge_deploy.graph.ir import Graph

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
SANITIZERS = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-g")


@dataclass(frozen=True, slots=True)
class Target:
    """A compiler with its flags, the files it adds, and what runs the program (empty: itself).

    size: the tool that tells an object file's sections.
    """

    name: str
    compiler: str
    flags: tuple[str, ...]
    runner: tuple[str, ...] = ()
    board: tuple[str, ...] = ()
    size: str = "size"

    @property
    def tools(self) -> tuple[str, ...]:
        """What must be installed."""
        return (self.compiler, *self.runner[:1])


_AN500 = (
    *("qemu-system-arm", "-machine", "mps2-an500", "-nographic", "-monitor", "none"),
    *("-serial", "none", "-semihosting-config", "enable=on,target=native"),
    *("-icount", "shift=6,sleep=off", "-kernel"),
)
_CORTEX_M7 = (
    *("-O2", "-mcpu=cortex-m7", "-mthumb", "-ffunction-sections", "-Wl,--gc-sections"),
    *("--specs=rdimon.specs", "-nostartfiles", "-Tan500.ld"),
)


def _cortex_m7(name: str, *extra: str) -> Target:
    board = ("an500.c", "an500.ld")
    flags = (*_CORTEX_M7, *extra)
    return Target(name, "arm-none-eabi-gcc", flags, _AN500, board, "arm-none-eabi-size")


def _arm64(name: str, *extra: str) -> Target:
    """-O3: the kernels' sums are arrays that must be unrolled to stay in registers, which moving
    loads ahead of them would take, and moving sums around each loop as well."""
    flags = ("-O3", "-fno-schedule-insns", "-fira-region=one", "-static", *extra)
    emulator = ("qemu-aarch64-static",)
    return Target(name, "aarch64-linux-gnu-gcc", flags, emulator, (), "aarch64-linux-gnu-size")


NS_PER_INSTRUCTION = 1 << 6  # of the emulated clock, set by -icount shift=6
NS_PER_TICK = 40  # the board's timer runs at 25 MHz

TARGETS = {
    "c99": Target("c99", "gcc", ("-O3",)),
    "c99-sanitized": Target("c99-sanitized", "gcc", ("-O1", *SANITIZERS)),
    "c99-native": Target("c99-native", "gcc", ("-O3", "-march=native")),
    "arm64": _arm64("arm64"),
    "arm64-dotprod": _arm64("arm64-dotprod", "-march=armv8.2-a+dotprod"),
    "cortex-m7": _cortex_m7("cortex-m7"),
    "cortex-m7-plain": _cortex_m7("cortex-m7-plain", "-DLINGNAN_PLAIN"),
}


def definitions(graph: Graph, sources: Sources) -> tuple[str, ...]:
    """What main.c needs to know of the network."""
    sizes = [graph.tensors[name].size for name in graph.inputs]
    offsets = [sum(sizes[:at]) for at in range(len(sizes))]
    calls = [f"in+{offset}" for offset in offsets]
    outputs = [graph.tensors[name].size for name in graph.outputs]
    calls += [f"out+{sum(outputs[:at])}" for at in range(len(outputs))]
    return (
        f'-DMODEL_HEADER="lingnan_{sources.name}.h"',
        f"-DMODEL_RUN=lingnan_{sources.name}_run({','.join(calls)})",
        f"-DMODEL_INPUT_BYTES={sum(sizes)}",
        f"-DMODEL_OUTPUT_BYTES={sum(outputs)}",
        f"-DMODEL_LAYERS={len(graph.operators)}",
    )


def write(sources: Sources, target: Target, folder: Path) -> list[str]:
    """Write every file of a target's program; the names of those to compile."""
    folder.mkdir(parents=True, exist_ok=True)
    files = dict(sources.files)
    for name in ("main.c", *target.board):
        files[name] = resources.files("edge_deploy.c").joinpath("board", name).read_text("utf-8")
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(name for name in files if name.endswith(".c"))


def command(
    graph: Graph, sources: Sources, target: Target, compiled: list[str], profile: bool = False
) -> list[str]:
    """The compiler's command line for the program `net`."""
    extra = ("-DLINGNAN_PROFILE",) if profile else ()
    flags = (*WARNINGS, *target.flags, *extra, *definitions(graph, sources))
    return [target.compiler, *flags, "-o", "net", *compiled]
