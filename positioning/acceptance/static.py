"""S4-D4-R1, receivers that stand still: fixes, place and pace beside RTKLIB's rnx2rtkp."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.indicator import Comparator, Indicator
from common.acceptance.measurement import Measurement, exact, not_measured, resampled
from common.acceptance.resampling import bootstrap

F64 = NDArray[np.float64]

GUIDE = "高精定位"
ROUNDS = 15  # of a tenth of a second each
FOLDER = "gnss_static_5km/dev"
FILES = ("SEPT078M1.21O", "3034078M1.21O", "SEPT078M.21P")
BASE_M = (-3959400.631, 3385704.533, 3667523.111)
METHOD = (
    "A recorded baseline of 5.3 km, 60 epochs, solved as if the rover moved; rnx2rtkp solves the "
    "same files in the same run, kinematic, three frequencies, GPS + GLONASS + Galileo + BeiDou."
)


def _row(suffix: str, claim: str, unit: str, comparator: Comparator, target: float) -> Indicator:
    return Indicator(
        f"S4-D4-R1/static-{suffix}", claim, GUIDE, unit, comparator, target, "public-data", METHOD
    )


FIXED = _row("fixed", "Every epoch of a standing rover is fixed.", "fraction", ">=", 1.0)
BESIDE = _row("beside", "The mean place is within 2 mm of rnx2rtkp's.", "mm", "<=", 2.0)
PACE = _row("pace", "It is solved at least 3 times as fast as rnx2rtkp does.", "ratio", ">=", 3.0)


def measure(context: Context) -> Mapping[str, Measurement]:
    """One baseline."""
    root = context.data_root
    paths = [] if root is None else [root / FOLDER / name for name in FILES]
    if not paths or not all(path.is_file() for path in paths):
        reason = "public-data: the recorded baseline is not there"
        return dict.fromkeys((FIXED.id, BESIDE.id, PACE.id), not_measured(reason))
    position, fixed = _solved(paths)  # compiles
    digest = context.data_hash(paths)
    row = {FIXED.id: exact(float(fixed.mean()), len(fixed), digest)}
    if shutil.which("rnx2rtkp") is None:
        reason = "rnx2rtkp is not installed: apt-get install rtklib"
        return {**row, BESIDE.id: not_measured(reason), PACE.id: not_measured(reason)}
    ours_s, theirs_s = np.empty(ROUNDS), np.empty(ROUNDS)
    for at in range(ROUNDS):  # in turn, so that what else the machine does strikes both
        context.progress(at, ROUNDS, "solving, and rnx2rtkp after it")
        began = process_time()
        _solved(paths)
        ours_s[at] = process_time() - began
        theirs, theirs_s[at] = _peer(paths, context.scratch)
    apart_mm = float(np.abs(position.mean(axis=0) - theirs.mean(axis=0)).max()) * 1e3
    note = f"rnx2rtkp fixed {len(theirs)} epochs"
    return {
        **row,
        BESIDE.id: exact(apart_mm, len(position), digest, note),
        PACE.id: pace(ours_s, theirs_s, digest),
    }


def pace(ours_s: F64, theirs_s: F64, digest: str) -> Measurement:
    """Their CPU seconds over ours, (N,) each, taken in turn; bounds by drawing turns again."""
    n = len(ours_s)
    bounds = bootstrap(lambda turns: float(theirs_s[turns].sum() / ours_s[turns].sum()), n, seed=1)
    note = f"{n} times in turn, CPU: ours {ours_s.mean():.3f} s, rnx2rtkp {theirs_s.mean():.3f} s"
    return resampled(float(theirs_s.sum() / ours_s.sum()), bounds, n, digest, note)


def _solved(paths: list[Path]) -> tuple[F64, NDArray[np.bool_]]:
    """ECEF (E, 3) and whether fixed (E,), reading included."""
    from positioning.gnss.formats import rinex_nav, rinex_obs
    from positioning.gnss.orbits.broadcast import BroadcastOrbits
    from positioning.gnss.rtk.pipeline import solve
    from positioning.gnss.solution import Quality
    from positioning.gnss.variance.network import variances

    rover, base, nav = paths
    orbits, observed = BroadcastOrbits(rinex_nav.read(nav)), rinex_obs.read(rover)
    learned = variances(observed, orbits)
    found, _ = solve(observed, rinex_obs.read(base), orbits, np.array(BASE_M), variance_m2=learned)
    return found.position_m, found.quality == Quality.FIX


def _peer(paths: list[Path], scratch: Path) -> tuple[F64, float]:
    """Its fixed positions (E, 3) and CPU seconds."""
    conf, out = scratch / "peer.conf", scratch / "peer.pos"
    lines = ["pos1-posmode=kinematic", "pos1-navsys=61", "out-solformat=xyz", "ant2-postype=xyz"]
    lines += [f"ant2-pos{k + 1}={value:.4f}" for k, value in enumerate(BASE_M)]
    conf.write_text("\n".join(lines) + "\n")
    command = ["rnx2rtkp", "-k", str(conf), "-f", "3", "-o", str(out), *map(str, paths)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [line.split()[2:6] for line in out.read_text().splitlines() if line[:1] != "%"]
    table = np.array(rows, np.float64)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return table[table[:, 3] == 1, :3], spent_s


EXPERIMENTS = (Experiment("static", (FIXED, BESIDE, PACE), measure, exclusive=True),)
