"""Single point: exact skies, reflections, and two real cities beside RTKLIB demo5."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.formats import rinex_nav, rinex_obs
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.gnss.single import chain
from positioning.gnss.single.epochs import fix
from positioning.gnss.single.measurements import prepare
from positioning.gnss.single.solve import Mode, NoPositionError, solve
from positioning.gnss.solution import Quality, Solution
from tests.conftest import data_set
from tests.positioning.gnss.readers import sky

pytestmark = pytest.mark.positioning

F64 = NDArray[np.float64]
PLACE = geodesy.to_ecef(np.array(0.9), np.array(0.2), np.array(60.0))
AXES = geodesy.enu_axes(np.array(0.9), np.array(0.2))


def drive(epochs: int, step_s: float) -> tuple[F64, F64, F64]:
    """Positions and velocities of a car that turns about a block at 8 m/s, and its clock in m."""
    time_s = step_s * np.arange(epochs)
    angle = 8.0 * time_s / 60.0
    local = np.stack([60 * np.sin(angle), 60 * (1 - np.cos(angle)), 0 * angle], axis=1)
    speed = np.stack([8 * np.cos(angle), 8 * np.sin(angle), 0 * angle], axis=1)
    return PLACE + local @ AXES, speed @ AXES, 3e4 + 40.0 * time_s


def test_an_exact_sky_gives_the_exact_place() -> None:
    """To the millimetre, from the centre of the Earth on: transmit time, Sagnac, clocks, delays."""
    told = sky.messages()
    position, velocity, clock = drive(5, 1.0)
    observations = sky.observe(told, position, velocity, clock, 1.0)
    rows = prepare(observations, BroadcastOrbits(told))
    ones = np.ones(len(rows.range_m))
    found, _, used = fix(rows, 0 * ones, ones, 2.0, 6.0)
    assert np.abs(found - position).max() < 1e-3
    assert used.min() >= 10


def reflected(observations: Observations, seed: int) -> Observations:
    """Noise, and over half of the satellites late for some seconds at a time, up to 120 m."""
    rng = np.random.default_rng(seed)
    late, noise = (
        np.zeros(len(observations.satellite)),
        rng.normal(0, 1.5, observations.code_m.shape),
    )
    epoch = observations.epoch_of_row
    for satellite in np.unique(observations.satellite):
        here = observations.satellite == satellite
        for begin in range(0, len(observations), 15):
            if rng.random() < 0.55:
                during = here & (epoch >= begin) & (epoch < begin + 15)
                late[during] = rng.uniform(15, 120)
    doppler = observations.doppler_hz + rng.normal(0, 0.8, observations.doppler_hz.shape)
    return replace(
        observations,
        code_m=observations.code_m + noise + late[:, None],
        doppler_hz=doppler.astype(np.float32),
    )


@pytest.mark.parametrize(("mode", "limit_m"), [("batch", 4.0), ("realtime", 12.0)])
def test_a_drive_among_reflections_is_found(mode: Mode, limit_m: float) -> None:
    """Metres where each epoch by itself is tens of metres off (simulated, vacuum)."""
    told = sky.messages()
    position, velocity, clock = drive(120, 1.0)
    observations = reflected(sky.observe(told, position, velocity, clock, 1.0), seed=3)
    alone = _horizontal(solve(observations, BroadcastOrbits(told), mode="epoch"), position)
    found = solve(observations, BroadcastOrbits(told), mode=mode)
    error = _horizontal(found, position)
    assert _rms(error[30:]) < limit_m  # the window of the last 30 s is then full
    assert _rms(error[30:]) < _rms(alone[30:]) / 2
    assert found.velocity_mps is not None
    assert np.percentile(np.linalg.norm(found.velocity_mps - velocity, axis=1), 90) < 1.5
    assert np.linalg.eigvalsh(found.covariance_m2).min() > 0


def _horizontal(found: Solution, position: F64) -> F64:
    east, north, _ = ((found.position_m - position) @ AXES.T).T
    return np.asarray(np.hypot(east, north))


def _rms(errors: F64) -> float:
    return float(np.sqrt(np.nanmean(errors**2)))


def test_a_tunnel_is_dead_reckoning_and_a_clock_set_by_the_receiver_no_harm() -> None:
    told = sky.messages()
    position, velocity, clock = drive(60, 1.0)
    clock[30:] += 1e-3 * SPEED_OF_LIGHT_MPS
    observations = sky.observe(told, position, velocity, clock, 1.0)
    # Doppler of the epoch of the jump is what np.gradient makes of it: not told
    jumped = np.isin(observations.epoch_of_row, (29, 30))
    observations.doppler_hz[jumped] = np.nan
    dark = np.isin(observations.epoch_of_row, range(40, 43))
    found = solve(observations.where(~dark), BroadcastOrbits(told))
    assert set(found.quality[40:43]) == {Quality.DEAD_RECKONING}
    assert set(np.delete(found.quality, range(40, 43))) == {Quality.SINGLE}
    assert _horizontal(found, position).max() < 15


def test_realtime_does_not_look_ahead() -> None:
    told = sky.messages()
    position, velocity, clock = drive(40, 1.0)
    observations = reflected(sky.observe(told, position, velocity, clock, 1.0), seed=5)
    whole = solve(observations, BroadcastOrbits(told), mode="realtime")
    part = solve(observations.epochs(0, 25), BroadcastOrbits(told), mode="realtime")
    assert np.abs(whole.position_m[:25] - part.position_m).max() < 0.05


def test_what_is_missing_is_named() -> None:
    told = sky.messages()
    observations = sky.observe(told, *drive(3, 1.0), 1.0)
    told.kepler["toe_week"] += 100
    with pytest.raises(NoPositionError, match="no navigation message fits"):
        solve(observations, BroadcastOrbits(told))
    few = observations.where(observations.satellite < observations.satellite[3])
    with pytest.raises(NoPositionError, match="3 at once at most"):
        solve(few, BroadcastOrbits(sky.messages()))


def test_a_chain_is_solved_as_the_whole_matrix_is() -> None:
    rng = np.random.default_rng(11)
    epochs, n = 7, 4
    root = rng.normal(size=(epochs * n, epochs * n))
    whole = np.zeros_like(root)
    for e in range(epochs):
        for f in range(max(0, e - 1), min(epochs, e + 2)):
            whole[e * n : e * n + n, f * n : f * n + n] = (root + root.T)[
                e * n : e * n + n, f * n : f * n + n
            ]
    whole += np.eye(epochs * n) * 30
    right = rng.normal(size=(epochs, n))
    blocks = whole.reshape(epochs, n, epochs, n).transpose(0, 2, 1, 3)
    diagonal = np.stack([blocks[e, e] for e in range(epochs)])
    upper = np.stack([blocks[e, e + 1] for e in range(epochs - 1)])
    solution, covariance = chain.solve(diagonal, upper, right.copy(), True)
    np.testing.assert_allclose(solution.ravel(), np.linalg.solve(whole, right.ravel()))
    inverse = np.linalg.inv(whole).reshape(epochs, n, epochs, n)
    np.testing.assert_allclose(covariance, [inverse[e, :, e] for e in range(epochs)])


def berlin(root: Path) -> tuple[Path, list[Path], F64]:
    """Observations, messages, and truth as second of week and ECEF."""
    folder = data_set(root, "gnss_berlin")
    rows = [line.split()[1:5] for line in (folder / "dev" / "GT.txt").read_text().splitlines()]
    truth = np.array(rows, dtype=np.float64)
    truth[:, 0] += 126_641.7  # the first epoch
    messages = [folder / "brdc1580.16n", folder / "brdc1580.16g"]
    return folder / "Berlin_Potsdamer_Platz.obs", messages, truth


def hong_kong(root: Path) -> tuple[Path, list[Path], F64]:
    folder = data_set(root, "gnss_hongkong") / "dev" / "gps_solution_TST"
    told = np.loadtxt(folder / "groundTruth_TST.csv", delimiter=",")
    ecef = geodesy.to_ecef(np.radians(told[:, 2]), np.radians(told[:, 3]), told[:, 4])
    messages = [folder / "hksc1180.19n", folder / "hksc1180.19b"]
    return folder / "COM3_190428_124409.obs", messages, np.column_stack([told[:, 1], ecef])


@pytest.mark.data
@pytest.mark.parametrize("city", [berlin, hong_kong])
@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_in_real_streets_errors_are_below_half_of_demo5s(real_data, city, mode, tmp_path):  # type: ignore[no-untyped-def]
    rtklib = pytest.importorskip("pyrtklib5")
    path, messages, truth = city(real_data)
    truth = truth[: len(truth) // (2 if mode == "realtime" else 1)]  # a window an epoch is slow
    orbits = BroadcastOrbits(rinex_nav.read(messages))
    observations = rinex_obs.read(path)
    observations = observations.epochs(
        0, int(np.searchsorted(observations.tow_s, truth[-1, 0] + 1))
    )
    found = solve(observations, orbits, mode=mode)
    share, error = _against(truth, found.tow_s, found.position_m)
    theirs = _demo5(rtklib, [path, *messages], tmp_path / "peer.pos")
    _, peer = _against(truth, theirs[:, 1], theirs[:, 2:5])
    assert share >= 0.99
    assert _rms(error) < _rms(peer) / 2
    assert np.percentile(error, 95) < np.percentile(peer, 95) / 2


def _against(truth: F64, tow_s: F64, position_m: F64) -> tuple[float, F64]:
    """Share of the truth's epochs that have a position, and the horizontal errors of those."""
    nearest = np.clip(np.searchsorted(tow_s, truth[:, 0] - 0.05), 0, len(tow_s) - 1)
    met = np.abs(tow_s[nearest] - truth[:, 0]) < 0.06
    east, north, _ = geodesy.to_enu(position_m[nearest[met]] - truth[met, 1:] + truth[0, 1:],
                                    truth[0, 1:]).T  # fmt: skip
    return float(met.mean()), np.hypot(east, north)


def _demo5(rtklib, paths: list[Path], out: Path) -> F64:  # type: ignore[no-untyped-def]
    options, output, files = rtklib.prcopt_default, rtklib.solopt_default, rtklib.filopt_t()
    options.mode, options.navsys, options.ionoopt, options.tropopt = 0, 61, 1, 1
    output.posf, output.timef = 1, 0
    zero = rtklib.gtime_t()
    zero.time, zero.sec = 0, 0.0
    names = [str(p) for p in paths]
    rtklib.postpos(
        zero, zero, 0.0, 0.0, options, output, files, names, len(names), str(out), "", ""
    )
    rows = [line.split()[:5] for line in out.read_text().splitlines() if line[:1] not in "%"]
    return np.array(rows, dtype=np.float64)
