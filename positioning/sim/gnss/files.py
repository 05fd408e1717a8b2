"""A drive as files, so that any other program can solve the very same data.

rover.obs, base.obs, nav.nav: RINEX 3.04. rover.ubx: u-blox raw measurements. imu.csv, wheel.csv,
truth.csv: a line a sample, the columns named in the first. rows.npz: truth beside each observation.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats.rinex_write import write_navigation, write_observations
from positioning.sim.gnss import ubx
from positioning.sim.gnss.city import Array
from positioning.sim.gnss.scenario import KINDS, Drive

IMU_COLUMNS = (
    "gps_tow_s,rate_x_radps,rate_y_radps,rate_z_radps,force_x_mps2,force_y_mps2,force_z_mps2"
)
WHEEL_COLUMNS = "gps_tow_s,speed_mps"
TRUTH_COLUMNS = (
    "gps_week,gps_tow_s,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps,roll_rad,pitch_rad,yaw_rad,open_sky,kind"
)
"""ECEF of the antenna at the epochs of rover.obs, in GPS time; yaw from east, anticlockwise."""


FILES = (
    *("rover.obs", "base.obs", "nav.nav", "rover.ubx"),
    *("imu.csv", "wheel.csv", "truth.csv", "rows.npz"),
)
"""What `write` writes."""


def write(drive: Drive, folder: Path) -> None:
    """Write all files of a drive into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    write_observations(folder / "rover.obs", drive.rover, marker="ROVER")
    write_observations(folder / "base.obs", drive.base, marker="BASE")
    write_navigation(folder / "nav.nav", drive.navigation)
    (folder / "rover.ubx").write_bytes(ubx.raw(drive.rover, drive.navigation.leap_s))
    tow = drive.scenario.start[1]
    inertial = np.column_stack((tow + drive.imu.time_s, drive.imu.rate_radps, drive.imu.force_mps2))
    _table(folder / "imu.csv", IMU_COLUMNS, inertial, "%.4f" + 6 * ",%.7f")
    wheel = np.column_stack((tow + drive.wheel.time_s, drive.wheel.speed_mps))
    _table(folder / "wheel.csv", WHEEL_COLUMNS, wheel, "%.4f,%.3f")
    _truth(drive, folder / "truth.csv")
    _rows(drive, folder / "rows.npz")


def _table(path: Path, columns: str, values: Array, form: str) -> None:
    np.savetxt(path, values, fmt=form, header=columns, comments="")


def _truth(drive: Drive, path: Path) -> None:
    truth, (week, tow) = drive.truth, drive.scenario.start
    weeks, seconds = np.divmod(tow + truth.time_s, 604_800)
    numbers = np.column_stack((
        week + weeks, seconds, truth.position_m, truth.velocity_mps,
        drive.motion.angles(truth.time_s), drive.open_sky,
    ))  # fmt: skip
    form = "%d,%.9f" + 3 * ",%.4f" + 3 * ",%.4f" + 3 * ",%.6f" + ",%.3f,"
    lines = [form % tuple(row) + KINDS[k] for row, k in zip(numbers, drive.kind, strict=True)]
    path.write_text("\n".join([TRUTH_COLUMNS, *lines]) + "\n", encoding="ascii")


def _rows(drive: Drive, path: Path) -> None:
    truth = drive.truth
    arrays: dict[str, NDArray[np.generic]] = {
        "satellite": drive.rover.satellite,
        "epoch": drive.rover.epoch_of_row,
        "line_of_sight": truth.line_of_sight,
        "excess_m": truth.excess_m,
        "canopy_m": truth.canopy_m,
        "code_error_m": truth.code_error_m,
        "carrier_error_m": truth.carrier_error_m,
        "slipped": truth.slipped,
        "azimuth_rad": truth.azimuth_rad,
        "elevation_rad": truth.elevation_rad,
        "base_position_m": drive.base_position_m,
    }
    np.savez_compressed(path, allow_pickle=False, **arrays)
