"""Our RINEX reader beside reading the bytes, and our RTK beside rnx2rtkp, on the same files.

python -m benchmarks gnss [--json]
"""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Size
from common.errors import LingnanError
from common.paths import data_root
from common.runtime.timing import measure as timing
from positioning.gnss.formats import rinex_nav, rinex_obs
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.pipeline import solve
from positioning.jit import compiled
from positioning.sim.gnss.files import write
from positioning.sim.gnss.scenario import Scenario, simulate

REPEATS: dict[Size, int] = {"quick": 3, "full": 10}
SEED = 7
STATIC = "gnss_static_5km/dev"
FILES = ("SEPT078M1.21O", "3034078M1.21O", "SEPT078M.21P")
BASE_M = (-3959400.631, 3385704.533, 3667523.111)


def measure(size: Size) -> dict[str, Any]:
    """The reader on a simulated file, and RTK on a recorded one where it is there."""
    repeats = REPEATS[size]
    with TemporaryDirectory(prefix="lingnan-") as name:
        result: dict[str, Any] = {"n": repeats, "threads": 1}
        result["reader"] = _reader(Path(name), repeats)
        root = data_root()
        if root is not None and (root / STATIC).is_dir():
            files = [root / STATIC / file for file in FILES]
            result["rtk"] = _rtk(files, Path(name), repeats)
    return result


def show(result: dict[str, Any]) -> None:
    """A line a part."""
    told = result["reader"]
    print(
        f"reading {told['mbytes']:.1f} MB of RINEX into arrays: {told['mbytes_s']:.0f} MB/s, "
        f"{told['times_the_sum']:.1f} times as long as reading it and adding its bytes up in numpy "
        f"({told['summed_mbytes_s']:.0f} MB/s), {told['times_the_pass']:.0f} times a compiled pass "
        f"({told['pass_mbytes_s']:.0f} MB/s); copying it from the page cache alone: "
        f"{told['copied_mbytes_s']:.0f} MB/s"
    )
    told = result.get("rtk")
    if told is None:
        print("RTK: the recording is absent: name the folder of data sets in LINGNAN_DATA")
        return
    line = f"RTK of {told['epochs']} epochs: {told['cpu_ms']:.0f} ms of CPU with reading"
    if "peer_ms" in told:
        line += f", rnx2rtkp {told['peer_ms']:.0f} ms: {told['times_faster']:.1f} times faster"
    else:
        line += "; rnx2rtkp is not installed (apt-get install rtklib)"
    print(line)


def _reader(folder: Path, repeats: int) -> dict[str, float]:
    drive = simulate(Scenario(layout="open", seed=SEED, duration_s=300.0))
    write(drive, folder)
    path = folder / "rover.obs"
    rinex_obs.read(path)  # compiles
    mbytes = path.stat().st_size / 1e6

    def cpu_ms(call: Callable[[], object]) -> float:
        return timing(call, repeats=repeats, warmup=2).cpu_ms_median

    ours = cpu_ms(lambda: rinex_obs.read(path))
    summed = cpu_ms(lambda: _bytes(path).sum())
    passed = cpu_ms(lambda: byte_sum(_bytes(path)))
    rate = 1e3 * mbytes
    return {
        "mbytes": mbytes, "mbytes_s": rate / ours, "times_the_sum": ours / summed,
        "times_the_pass": ours / passed, "summed_mbytes_s": rate / summed,
        "pass_mbytes_s": rate / passed, "copied_mbytes_s": rate / cpu_ms(path.read_bytes),
    }  # fmt: skip


def _bytes(path: Path) -> NDArray[np.uint8]:
    return np.frombuffer(path.read_bytes(), np.uint8)


@compiled
def byte_sum(values: NDArray[np.uint8]) -> int:
    """One pass over every byte: the least that a program can do with a file that it has read."""
    total = 0
    for value in values:
        total += value
    return total


def _rtk(files: list[Path], folder: Path, repeats: int) -> dict[str, float]:
    rover, base, nav = files

    def ours() -> int:
        orbits = BroadcastOrbits(rinex_nav.read(nav))
        observed = rinex_obs.read(rover)
        return len(solve(observed, rinex_obs.read(base), orbits, np.array(BASE_M))[0])

    told: dict[str, float] = {"epochs": ours()}
    told["cpu_ms"] = timing(ours, repeats=repeats, warmup=1).cpu_ms_median
    program = shutil.which("rnx2rtkp")
    if program is None:
        return told
    place = [f"{value:.4f}" for value in BASE_M]
    command = [program, "-p", "2", "-f", "3", "-sys", "G,E,R,C", "-r", *place]
    out = ["-o", str(folder / "peer.pos"), *map(str, files)]
    told["peer_ms"] = _child_ms(lambda: subprocess.run([*command, *out], check=True,  # noqa: S603
                                                       capture_output=True))  # fmt: skip
    told["times_faster"] = told["peer_ms"] / told["cpu_ms"]
    return told


def _child_ms(call: Callable[[], object]) -> float:
    """Median CPU ms of a child process; LingnanError where it fails."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            call()
        except (OSError, subprocess.CalledProcessError) as error:
            raise LingnanError(f"rnx2rtkp could not be run: {error}") from error
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return float(np.median(spent)) * 1e3
