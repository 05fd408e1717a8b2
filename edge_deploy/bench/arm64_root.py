"""A folder with a Python of 64-bit ARM, numpy and ncnn, for emulation on this machine.

python -m edge_deploy.bench.arm64_root        fetches it, once: 30 MB, about half a minute

Debian's packages are unpacked, not installed, with an apt state of their own: the machine's
packages and architectures stay as they are, and no rights are needed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from common.paths import state_dir
from edge_deploy.errors import EdgeError
from edge_deploy.verify import tools

PACKAGES = (
    *("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8"),
    *("libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal"),
)
WHEELS = ("ncnn", "numpy")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64")
COMMAND = "python -m edge_deploy.bench.arm64_root"


def folder() -> Path:
    """Where it is kept."""
    return state_dir() / "arm64-root"


def ready() -> Path:
    """The folder. EdgeError with the command that makes it where it is not made."""
    if not (folder() / "wheels" / "ncnn").is_dir():
        raise EdgeError(f"ncnn for 64-bit ARM is not here; fetch it with `{COMMAND}`")
    return folder()


def python(root: Path) -> list[str | Path]:
    """The words that start its Python with its wheels, the same way every time."""
    start = "import runpy,sys;sys.path.insert(0,sys.argv[1]);del sys.argv[:2];runpy.run_path"
    words = "(sys.argv[0],run_name='__main__')"
    return [root / "usr/bin/python3.11", "-I", "-S", "-c", start + words, root / "wheels"]


def make() -> Path:
    """Fetch and unpack; nothing is left half made. EdgeError tells what failed."""
    if folder().exists():
        return ready()
    folder().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder().parent) as scratch:
        fetched, root = Path(scratch), Path(scratch) / "root"
        root.mkdir()
        _debian(fetched, root)
        _wheels(fetched, root / "wheels")
        root.rename(folder())
    return folder()


def _debian(fetched: Path, root: Path) -> None:
    """Unpack PACKAGES of 64-bit ARM. They are those of Debian 12, whose Python is 3.11."""
    state = fetched / "apt"
    for name in ("state/lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True)
    (state / "state/status").touch()
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "",  # the folder is ours alone
        "Dir::State": state / "state",
        "Dir::State::status": state / "state/status",
        "Dir::Cache": state / "cache",
    }
    words = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    tools.run(["apt-get", *words, "update"], fetched)
    tools.run(["apt-get", *words, "download", *PACKAGES], fetched)
    for package in sorted(fetched.glob("*.deb")):
        tools.run(["dpkg-deb", "-x", package, root], fetched)


def _wheels(fetched: Path, target: Path) -> None:
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    tools.run([*pip, *platforms, "--python-version", "3.11", *WHEELS], fetched)
    for wheel in sorted(fetched.glob("*.whl")):
        with zipfile.ZipFile(wheel) as opened:
            opened.extractall(target)


def main() -> None:
    """Make it and tell where it is."""
    if shutil.which("dpkg-deb") is None:
        raise EdgeError("this needs a machine with Debian's or Ubuntu's package tools")
    print(make())


if __name__ == "__main__":
    main()
