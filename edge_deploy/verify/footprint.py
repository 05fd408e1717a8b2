"""Flash and memory of a generated network on a target, without the program around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_deploy.c.build import WARNINGS, Target, write
from edge_deploy.c.generate import Sources
from edge_deploy.verify import tools


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes. flash: code and constants. ram: the arena. code: the part of flash without weights."""

    flash: int
    ram: int
    code: int


def measure(sources: Sources, target: Target, folder: Path) -> Footprint:
    """Compile every file but the test program's and add up what `size` says."""
    write(sources, target, folder)
    ours = [name for name in sorted(sources.files) if name.endswith(".c")]
    machine = [flag for flag in target.flags if flag.startswith(("-m", "-O", "-f", "-D"))]
    rows = {}
    for name in ours:
        tools.run([target.compiler, *WARNINGS, *machine, "-c", name, "-o", f"{name}.o"], folder)
        told = tools.run([target.size, f"{name}.o"], folder).splitlines()[1].split()
        rows[name] = tuple(map(int, told[:3]))
    flash = sum(text + data for text, data, _ in rows.values())
    ram = sum(data + bss for _, data, bss in rows.values())
    return Footprint(flash, ram, flash - rows[f"lingnan_{sources.name}.c"][0])
