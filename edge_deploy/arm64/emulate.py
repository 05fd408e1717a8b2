"""A bundle's programs under qemu's user-mode emulation: answers, peak memory, system calls."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edge_deploy.errors import ToolMissingError
from edge_deploy.verify import tools

EMULATOR = "qemu-aarch64-static"
PEAK = re.compile(r"^peak memory (\d+) KiB$", re.MULTILINE)
CALL = re.compile(r"^\d+ ([a-z_0-9]+)\(", re.MULTILINE)
NETWORK = frozenset({"socket", "socketpair", "connect", "bind", "listen", "accept", "sendto"})


@dataclass(frozen=True, slots=True)
class Ran:
    """answer: standard output. peak_kib: of the emulator with the program in it. calls: the names
    of the system calls made, where they were traced."""

    answer: bytes
    peak_kib: int
    calls: frozenset[str] = frozenset()


def run(program: Path, *arguments: Path, given: bytes = b"", trace: bool = False) -> Ran:
    """One run. EdgeError holds what the program said if it fails.

    arguments: absolute paths, or relative to the program's folder.
    """
    if reason := tools.missing([EMULATOR]):
        raise ToolMissingError(reason)
    command: list[str | Path] = [EMULATOR, *(["-strace"] if trace else []), program.resolve()]
    done = tools.run_bytes(["env", "LINGNAN_PEAK=1", *command, *arguments], program.parent, given)
    peaks = [int(kib) for kib in PEAK.findall(done.told)]
    return Ran(done.output, max(peaks, default=0), frozenset(CALL.findall(done.told)))


def check(folder: Path) -> None:
    """`run.sh check` of a bundle. EdgeError where a file or an answer is not as expected."""
    if reason := tools.missing([EMULATOR]):
        raise ToolMissingError(reason)
    tools.run(["sh", "run.sh", "check", EMULATOR], folder)
