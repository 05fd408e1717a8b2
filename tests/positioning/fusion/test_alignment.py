"""Clock and mount from bodies that both sensors saw; health of the sensors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from positioning.fusion.alignment import Aligner
from positioning.fusion.health import Verdict, Watch
from positioning.sim.video.drive import Jitter

pytestmark = pytest.mark.positioning

BODIES = (((40, 3.5), (-10, 0)), ((10, -3), (6, 0.5)), ((25, 8), (0, -2)))


def _still(times: np.ndarray) -> np.ndarray:
    return np.zeros((len(times), 5))


def _fed(offset_s: float, yaw_rad: float, jitter: Mapping[str, Jitter] = {}) -> Aligner:
    """Three small bodies seen by both for 3.4 s, each look with a stamp that is off by itself."""
    rng, aligner = np.random.default_rng(0), Aligner(_still, 1.5)
    scatter = np.random.default_rng(1)
    radar, camera = (jitter.get(name, Jitter()) for name in ("radar", "camera"))
    for number, (start, speed) in enumerate(BODIES):
        velocity = np.array(speed, float)
        for time in np.arange(0, 3.4, 0.05):
            at = np.array(start) + velocity * time
            r = np.hypot(*at)
            z = np.array([r - 0.25, np.arctan2(at[1], at[0]), at @ velocity / r])
            stamp_s = time + float(radar.drawn(1, scatter)[0])
            aligner.radar(number, stamp_s, z + rng.normal(0, [0.15, 0.01, 0.1]))
        for time in np.arange(0, 3.4, 1 / 30):
            at = np.array(start) + velocity * time
            r = np.hypot(*at)
            blur = r * r / 1.5 * 0.002
            azimuth, depth = np.arctan2(at[1], at[0]) - yaw_rad, at[0] - 0.25
            azimuth, depth = rng.normal([azimuth, depth], [0.002, blur])
            seen = float(azimuth), float(depth), blur**2
            stamp_s = time + offset_s + float(camera.drawn(1, scatter)[0])
            aligner.camera(number, stamp_s, seen, 2, np.array([0.25, 0.25]))
    return aligner


@pytest.mark.parametrize(("offset_s", "yaw_rad"), [(0.0, 0.0), (0.15, 0.02), (-0.2, -0.03)])
def test_finds_offset_and_yaw_within_its_interval(offset_s: float, yaw_rad: float) -> None:
    found = _fed(offset_s, yaw_rad).solve(3.4)
    assert abs(found.offset_s - offset_s) < 3 * found.sigma[0] < 0.05
    assert abs(found.yaw_rad - yaw_rad) < 4 * found.sigma[2] < 0.03
    assert found.pairs > 250


@pytest.mark.parametrize("offset_s", [0.15, -0.2])
def test_stamps_that_jitter_are_not_taken_for_the_clock(offset_s: float) -> None:
    """Rare late ones, of 1 ms on average, pull it by little; all of them late do move it."""
    law = Jitter(0.005, 0.04, (0.01, 0.04))
    steady = _fed(offset_s, 0.02).solve(3.4)
    found = _fed(offset_s, 0.02, {"camera": law, "radar": Jitter(0.003)}).solve(3.4)
    assert 0.0 < abs(found.offset_s - steady.offset_s) < 0.003
    assert abs(found.offset_s - offset_s) < 3 * found.sigma[0] < 0.06
    assert abs(found.yaw_rad - 0.02) < 4 * found.sigma[2] < 0.03
    all_late = _fed(offset_s, 0.02, {"camera": Jitter(0.0, 1.0, (0.03, 0.03))}).solve(3.4)
    assert all_late.offset_s - steady.offset_s == pytest.approx(0.03, abs=0.003)


def test_without_common_bodies_nothing_changes() -> None:
    aligner = Aligner(_still, 1.5)
    aligner.radar(1, 0.0, np.array([10.0, 0.0, 0.0]))
    assert aligner.solve(1.0) is aligner.current
    assert aligner.current.offset_s == 0.0


def test_a_silent_sensor_is_missing_and_a_lying_one_doubted() -> None:
    watch = Watch(0.05)
    rng = np.random.default_rng(1)
    for i in range(100):
        watch.heard(0.05 * i, rng.chisquare(3, 2), 3)
    assert watch.verdict(5.0) is Verdict.GOOD
    assert watch.verdict(5.6) is Verdict.MISSING
    for i in range(100, 160):
        watch.heard(0.05 * i, 12 * rng.chisquare(3, 2), 3)
    assert watch.verdict(8.0) is Verdict.DOUBTED
    assert watch.enlarged > 2.5
