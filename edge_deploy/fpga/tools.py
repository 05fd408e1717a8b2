"""The FPGA tools: where they are, and what to install where they are not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_deploy.errors import EdgeError, ToolMissingError

CURES = {
    "verilator": "apt-get install verilator g++ make",
    "yosys": "apt-get install yosys",
    "nextpnr-ecp5": "pip install 'lingnan[route]' (or nextpnr-ecp5 of the distribution)",
    "ecppack": "pip install 'lingnan[route]' (or fpga-trellis of the distribution)",
}
TIMEOUT_S = 3600
PATIENCE_S = 6 * 3600.0  # a router on a busy machine


def find(tool: str) -> str | None:
    """A tool's path: as it is, or its WebAssembly build from PyPI beside this interpreter."""
    names = (tool, f"yowasp-{tool}")
    folder = str(Path(sys.executable).parent)
    found = (shutil.which(name, path=path) for path in (None, folder) for name in names)
    return next((path for path in found if path is not None), None)


def missing(*tools: str) -> str | None:
    """Which are not here and what to do; None if all are."""
    absent = [tool for tool in tools if find(tool) is None]
    if not absent:
        return None
    return "; ".join(f"{tool} not found: {CURES[tool]}" for tool in absent)


def run(command: Sequence[str | Path], folder: Path, timeout_s: float = TIMEOUT_S) -> str:
    """Run a tool in a folder; what it said. ToolMissingError or EdgeError else."""
    first = str(command[0])
    try:
        done = subprocess.run(  # noqa: S603 - a list of our own making, no shell
            _found(command, folder),
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EdgeError(f"{first} did not end within {timeout_s:.0f} s") from None
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        shown = told[:8] + told[-4:] if len(told) > 12 else told
        raise EdgeError(f"{first} failed ({done.returncode}): " + "\n".join(shown))
    return done.stdout


def listen(
    command: Sequence[str | Path],
    folder: Path,
    hear: Callable[[str], None],
    timeout_s: float = PATIENCE_S,
) -> None:
    """`run` of a tool that takes minutes: each line it says is heard at once.

    The tool ends with this call, also where `hear` raises or Ctrl-C is pressed.
    """
    first, last = str(command[0]), deque[str](maxlen=12)
    with subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
        _found(command, folder),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        late = threading.Timer(timeout_s, process.kill)
        late.start()
        try:
            for line in process.stdout or ():
                last.append(line.rstrip())
                hear(line)
            process.wait()
        finally:
            overdue = not late.is_alive()
            late.cancel()
            process.kill()
    if overdue:
        raise EdgeError(f"{first} did not end within {timeout_s:.0f} s")
    if process.returncode:
        raise EdgeError(f"{first} failed ({process.returncode}): " + "\n".join(last))


def _found(command: Sequence[str | Path], folder: Path) -> list[str]:
    first = str(command[0])
    tool = str(folder / first) if first.startswith("./") else find(first)
    if tool is None:
        raise ToolMissingError(missing(first) or first)
    return [tool, *map(str, command[1:])]
