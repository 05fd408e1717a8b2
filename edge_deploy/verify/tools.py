"""Compilers and emulators: where they are, and what to install where they are not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_deploy.errors import EdgeError, ToolMissingError

DEBIAN = {
    "gcc": "gcc libc6-dev",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "arm-none-eabi-size": "binutils-arm-none-eabi",
    "size": "binutils",
    "aarch64-linux-gnu-size": "binutils-aarch64-linux-gnu",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-aarch64": "qemu-user",
    "qemu-aarch64-static": "qemu-user-static",
}
TIMEOUT_S = 900


def find(tool: str) -> str | None:
    """A program on the path, or beside this Python, where wheels put theirs."""
    return shutil.which(tool) or shutil.which(tool, path=str(Path(sys.executable).parent))


def missing(tools: Sequence[str]) -> str | None:
    """Which of the tools are not here and how Debian installs them; None if all are."""
    absent = [tool for tool in tools if find(tool) is None]
    if not absent:
        return None
    packages = " ".join(DEBIAN.get(tool, tool) for tool in absent)
    return f"{', '.join(absent)} not found; on Debian or Ubuntu: apt-get install {packages}"


@dataclass(frozen=True, slots=True)
class Done:
    """What a tool wrote: output on standard output, told on standard error."""

    output: bytes
    told: str


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a tool in a folder; its standard output. EdgeError holds what it said if it fails."""
    return run_bytes(command, folder).output.decode("utf-8", "replace")


def run_bytes(command: Sequence[str | Path], folder: Path, given: bytes = b"") -> Done:
    """`run` with standard input, and with both outputs as they are."""
    tool = find(str(command[0]))
    if tool is None:
        raise ToolMissingError(missing([str(command[0])]) or str(command[0]))
    arguments = [tool, *map(str, command[1:])]
    try:
        done = subprocess.run(  # noqa: S603 - a list of our own making, no shell
            arguments,
            cwd=folder,
            capture_output=True,
            input=given,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EdgeError(f"{command[0]} did not end within {TIMEOUT_S} s") from None
    words = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        said = words or done.stdout.decode("utf-8", "replace")
        told = said.strip().splitlines()[:12]
        raise EdgeError(f"{command[0]} failed ({done.returncode}): " + "\n".join(told))
    return Done(done.stdout, words)
