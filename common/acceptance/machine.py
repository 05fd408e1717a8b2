"""Where a number comes from: the code, the machine and the versions."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common.errors import LingnanError

ROOT = Path(__file__).resolve().parents[2]
_CODE = (".py", ".json", ".onnx", ".html", ".css", ".js")


def commit() -> str | None:
    """The checkout's commit, with "+changes" where files differ; None outside a checkout."""
    head = _git("rev-parse", "HEAD")
    if not head:
        return None
    return head + ("+changes" if _git("status", "--porcelain") else "")


def _git(*arguments: str) -> str | None:
    """What git says about this checkout; None where there is no git or no repository of ours."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    words = [git, "-C", str(ROOT), *arguments]  # fixed words, no shell
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else None


def source_hash(packages: Iterable[str]) -> str:
    """SHA-256 over the code, templates and weights of the packages as they lie on the disk."""
    digest = hashlib.sha256()
    for package in sorted(set(packages)):
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise LingnanError(f"the package {package} is not installed")
        for folder in map(Path, spec.submodule_search_locations):
            for path in sorted(p for p in folder.rglob("*") if p.suffix in _CODE):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{package} {path.relative_to(folder)} {content}\n".encode())
    return digest.hexdigest()


def cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int:
    """Physical memory; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def cpu_flags() -> list[str]:
    """The instruction-set extensions Linux reports, e.g. "avx2" or "asimddp"; else empty."""
    found = _cpuinfo(r"(?:flags|Features)\s*:\s*(.*)")
    return sorted(set(found.split()))


def _cpuinfo(pattern: str) -> str:
    path = Path("/proc/cpuinfo")
    match = re.search(pattern, path.read_text(encoding="utf-8")) if path.is_file() else None
    return match.group(1).strip() if match else ""


def machine() -> dict[str, Any]:
    """Processor, cores, memory and system, as the report's head carries them."""
    return {
        "cpu": _cpuinfo(r"model name\s*:\s*(.*)") or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cores": cores(),
        "memory_gib": round(memory_bytes() / 2**30, 1),
        "system": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Versions of lingnan, Python and every package lingnan names that is installed."""
    found = {"lingnan": lingnan_version(), "python": platform.python_version()}
    for name in sorted(requirements()):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def requirements() -> dict[str, set[str]]:
    """Package name -> the extras of lingnan that ask for it; "" is the base install."""
    asked: dict[str, set[str]] = {}
    try:
        lines = metadata.requires("lingnan") or []
    except metadata.PackageNotFoundError:
        lines = []
    for line in lines:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if name and name.group() != "lingnan":
            asked.setdefault(name.group(), set()).add(extra.group(1) if extra else "")
    return asked


def lingnan_version() -> str:
    """The version of this package."""
    import common

    return common.__version__
