"""RTK on real receivers, beside coordinates that others give and RTKLIB's answers."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from positioning.gnss import geodesy
from positioning.gnss.formats import rinex_nav, rinex_obs
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.errors import RtkError
from positioning.gnss.rtk.pipeline import solve
from positioning.gnss.rtk.tuning import Mode
from positioning.gnss.solution import Quality
from tests.conftest import data_set

pytestmark = [pytest.mark.positioning, pytest.mark.data, pytest.mark.timeout(600)]

BASE_5KM_M = np.array([-3959400.631, 3385704.533, 3667523.111])
TRUTH_5KM_M = np.array([-3962108.673, 3381309.574, 3668678.638])
BASE_MOVING_M = np.array([-3959400.6443, 3385704.4948, 3667523.1275])


def told(path):
    latitude, longitude, height = map(float, path.read_text().split())
    return geodesy.to_ecef(np.radians(latitude), np.radians(longitude), np.float64(height))


def five(root):
    folder = data_set(root, "gnss_static_5km") / "dev"
    files = folder / "SEPT078M1.21O", folder / "3034078M1.21O", folder / "SEPT078M.21P"
    return files, BASE_5KM_M


def one(root):
    folder = data_set(root, "gnss_static_1m") / "dev"
    files = folder / "rover.obs", folder / "base.obs", folder / "base.nav"
    return files, told(folder / "base_position.txt")


def read(files):
    rover, base, nav = files
    return rinex_obs.read(rover), rinex_obs.read(base), BroadcastOrbits(rinex_nav.read(nav))


def rtklib(files, base_m, out):
    """rnx2rtkp 2.4.3's positions (E, 3) with the same systems, bands and mask."""
    if shutil.which("rnx2rtkp") is None:
        pytest.skip("rnx2rtkp is the peer: apt-get install rtklib")
    conf = out / "peer.conf"
    lines = ["pos1-posmode=kinematic", "pos1-navsys=61", "out-solformat=xyz", "ant2-postype=xyz"]
    lines += [f"ant2-pos{k + 1}={value:.4f}" for k, value in enumerate(base_m)]
    conf.write_text("\n".join(lines) + "\n")
    command = ["rnx2rtkp", "-k", conf, "-f", "3", "-o", out / "peer.pos", *files]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    text = (out / "peer.pos").read_text().splitlines()
    rows = np.array([line.split()[2:6] for line in text if not line.startswith("%")], float)
    return rows[rows[:, 3] == 1, :3]


@pytest.mark.parametrize("which", [five, one])
@pytest.mark.parametrize("mode", list(Mode))
def test_static_receivers_are_fixed_always_and_where_rtklib_puts_them(
    which, mode, real_data, tmp_path
):
    files, base_m = which(real_data)
    solution, integrity = solve(*read(files), base_m, mode)
    assert np.all(solution.quality == Quality.FIX)
    assert np.all(integrity.success_rate > 0.99) and np.all(integrity.ratio >= 1.5)
    apart = geodesy.to_enu(solution.position_m, base_m).mean(axis=0)
    apart -= geodesy.to_enu(rtklib(files, base_m, tmp_path), base_m).mean(axis=0)
    assert np.abs(apart).max() < 0.002


def test_the_5_km_baseline_is_where_its_authors_put_it(real_data):
    files, base_m = five(real_data)
    solution, _ = solve(*read(files), base_m)
    assert np.abs(solution.position_m - TRUTH_5KM_M).max() < 0.02


def test_the_5_km_receivers_swapped_are_named(real_data):
    files, base_m = five(real_data)
    rover, base, orbits = read(files)
    with pytest.raises(RtkError, match="base and rover are swapped"):
        solve(base, rover, orbits, base_m)


def test_bands_agree_on_where_a_moving_receiver_was(real_data):
    folder = data_set(real_data, "gnss_moving_notruth")
    rover, base, orbits = read(
        (folder / "SEPT265G.21O", folder / "3034265G.21O", folder / "SEPT2650.21P")
    )
    every, _ = solve(rover, base, orbits, BASE_MOVING_M)
    assert np.mean(every.quality == Quality.FIX) > 0.9
    for system in ("G", "E"):  # two receivers' worth of signals that share no satellite
        alone, _ = solve(rover, base, orbits, BASE_MOVING_M, systems=system)
        both = (alone.quality == Quality.FIX) & (every.quality == Quality.FIX)
        apart = np.linalg.norm(alone.position_m[both] - every.position_m[both], axis=1)
        assert both.sum() > 30 and np.mean(apart > 0.3) < 0.05
