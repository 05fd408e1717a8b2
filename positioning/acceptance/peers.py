"""RTKLIB on a simulated drive's own files: rnx2rtkp 2.4.3 b34, and demo5 as pyrtklib5.

Both get what ours gets of satellites: kinematic RTK forward in time, two frequencies, GPS, Galileo
and BDS-3, the base where it stands; all else as each sets it by itself. Neither is tuned here.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from positioning.sim.gnss.scenario import Drive

F64 = NDArray[np.float64]

B34, DEMO5 = "rnx2rtkp b34", "demo5"
_WRONG_M = 0.5
_LONGEST_S = 300.0
_KINEMATIC, _GPS_GALILEO_BEIDOU, _BANDS = 2, 1 + 8 + 32, 2


class Peer(NamedTuple):
    """horizontal_m: (E,) errors of the expected epochs, inf where nothing is told. fixed: (E,).
    wrong: (E,) fixes over 0.5 m off, in space."""

    horizontal_m: F64
    fixed: NDArray[np.bool_]
    wrong: NDArray[np.bool_]


def solved(drive: Drive, folder: Path) -> dict[str, Peer]:
    """Those that are installed; folder: a new one for files."""
    from positioning.gnss.formats.rinex_write import write_navigation, write_observations

    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("rover.obs", "base.obs", "nav.nav")]
    write_observations(files[0], drive.rover, marker="ROVER")
    write_observations(files[1], drive.base, marker="BASE")
    write_navigation(files[2], drive.navigation)
    told = {B34: _b34(drive, files, folder / "b34.pos"),
            DEMO5: _demo5(drive, files, folder / "demo5.pos")}  # fmt: skip
    return {name: against(drive, path) for name, path in told.items() if path is not None}


def _b34(drive: Drive, files: list[Path], out: Path) -> Path | None:
    program = shutil.which("rnx2rtkp")
    if program is None:
        return None
    place = [f"{x:.4f}" for x in drive.base_position_m]
    command = [program, "-p", str(_KINEMATIC), "-sys", "G,E,C", "-f", str(_BANDS), "-e", "-r",
               *place, "-o", str(out), *map(str, files)]  # fmt: skip
    subprocess.run(  # noqa: S603  # the program and its files are ours
        command, check=True, capture_output=True, timeout=_LONGEST_S
    )
    return out


def _demo5(drive: Drive, files: list[Path], out: Path) -> Path | None:
    try:
        import pyrtklib5 as rtklib
    except ImportError:
        return None
    options, output = rtklib.prcopt_default, rtklib.solopt_default
    options.mode, options.navsys, options.nf = _KINEMATIC, _GPS_GALILEO_BEIDOU, _BANDS
    options.refpos = 0  # the base's place is the one told
    for axis, value in enumerate(drive.base_position_m):
        options.rb[axis] = float(value)
    output.posf, output.timef = 1, 0  # ECEF; week and second
    whole = rtklib.gtime_t()
    whole.time, whole.sec = 0, 0.0
    names = [str(path) for path in files]
    rtklib.postpos(
        whole, whole, 0.0, 0.0, options, output, rtklib.filopt_t(), names, len(names), str(out),
        "", "",
    )  # fmt: skip
    return out


def against(drive: Drive, path: Path) -> Peer:
    """A .pos file of the drive's rover against the truth of every epoch."""
    from positioning.gnss.formats import pos
    from positioning.gnss.integrity.simulated import errors_m
    from positioning.gnss.solution import Quality

    told = pos.read(path)
    epochs = len(drive.rover)
    at = np.minimum(np.searchsorted(drive.rover.tow_s, told.tow_s - 0.01), epochs - 1)
    place, fixed = np.full((epochs, 3), np.nan), np.zeros(epochs, np.bool_)
    place[at], fixed[at] = told.position_m, told.quality == Quality.FIX
    off = errors_m(place, drive)
    wrong = fixed & (np.linalg.norm(off, axis=1) > _WRONG_M)
    horizontal = np.nan_to_num(np.hypot(off[:, 0], off[:, 1]), nan=np.inf)
    return Peer(horizontal, fixed, wrong)
