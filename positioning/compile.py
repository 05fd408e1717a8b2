"""Compiles what numba compiles, once for this machine, by solving short drives with it.

    python -m positioning.compile

Without it everything works, and the first use takes the minutes. Compiled code is kept beside the
sources; a second run, or one after changes that touch none of them, ends at once.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent
STAMP = ROOT / "__pycache__" / "compiled.sha256"
DRIVE_S = 20.0
PARTS = ("relative", "single")  # side by side: each takes a core


def main() -> int:
    """Compile, and say so; the exit status of the worse part."""
    digest = _digest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == digest:
        return 0
    print("Compiling positioning for this machine (once, two or three minutes) ...", flush=True)
    parts = [
        subprocess.Popen([sys.executable, "-m", "positioning.compile", part])  # noqa: S603
        for part in PARTS
    ]
    worst = max([part.wait() for part in parts], key=abs)
    if worst == 0:
        STAMP.parent.mkdir(exist_ok=True)
        STAMP.write_text(digest, encoding="ascii")
    return worst


def _digest() -> str:
    import numba

    told = hashlib.sha256(f"{sys.version} {numba.__version__}".encode())
    for path in sorted(ROOT.rglob("*.py")):
        told.update(path.read_bytes())
    return told.hexdigest()


def relative() -> None:
    """Real-time kinematic, and what couples it with inertial sensors and wheels."""
    from positioning.gnss.integrity.simulated import run

    run("avenue", 1, DRIVE_S)


def single() -> None:
    """Files, one receiver, cold starts."""
    from positioning.gnss.formats import rinex_nav, rinex_obs
    from positioning.gnss.orbits.broadcast import BroadcastOrbits
    from positioning.gnss.single.solve import solve
    from positioning.sim.gnss.files import write
    from positioning.sim.gnss.scenario import Scenario, simulate

    with TemporaryDirectory(prefix="lingnan-") as name:
        folder = Path(name)
        write(simulate(Scenario(layout="open", seed=1, duration_s=DRIVE_S)), folder)
        orbits = BroadcastOrbits(rinex_nav.read([folder / "nav.nav"]))
        observed = rinex_obs.read(folder / "rover.obs")
        solve(observed, orbits, mode="batch")
        solve(observed, orbits, mode="realtime")


if __name__ == "__main__":
    TASKS: dict[str, Callable[[], None]] = {"relative": relative, "single": single}
    if len(sys.argv) > 1:
        TASKS[sys.argv[1]]()
    else:
        sys.exit(main())
