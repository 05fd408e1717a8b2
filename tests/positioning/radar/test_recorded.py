"""What is read off a car's own radar, on a made drive whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.acceptance.car_radar import innovations, own_speeds, range_rates
from positioning.radar.formats.comma2k19 import RadarTracks

pytestmark = pytest.mark.positioning

EGO_MPS = 15.0


def _reports(seconds: float, lie_mps: float = 0.0) -> RadarTracks:
    """A car ahead that draws away at 2 m/s, and a post beside the road."""
    rng, rows = np.random.default_rng(0), []
    for time in np.arange(0.0, seconds, 0.05):
        post = np.array([90.0 - EGO_MPS * time, -4.0])
        for address, at, speed in ((1, [20 + 2 * time, 0.5], 2.0), (2, post, -EGO_MPS)):
            x, y = np.array(at) + rng.normal(0, 0.02, 2)
            rate = speed * x / np.hypot(x, y) + lie_mps
            rows.append((time, x, y, rate, address, time == 0.0))
    time, x, y, rate, address, new = map(np.array, zip(*rows, strict=True))
    return RadarTracks(time, x, y, rate, address.astype(np.int64), new.astype(bool))


@pytest.mark.parametrize("lie_mps", [0.0, 0.8])
def test_rates_that_do_not_fit_the_ranges_are_seen(lie_mps: float) -> None:
    off = range_rates(_reports(4.0, lie_mps)).value
    assert len(off) == 14
    assert off.mean() == pytest.approx(-lie_mps, abs=0.05)


def test_the_own_speed_comes_from_what_stands() -> None:
    reports = _reports(4.0)
    found = own_speeds(reports, np.full(len(reports.time_s), EGO_MPS + 0.7))
    assert len(found.value) == 80
    np.testing.assert_allclose(found.value, EGO_MPS, atol=0.05)


def test_innovations_are_small_while_the_radar_says_what_is() -> None:
    def drive(times: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(times), 5))
        rows[:, 0], rows[:, 3] = EGO_MPS * times, EGO_MPS
        return rows

    sound = innovations(_reports(3.0), drive).value
    assert len(sound) > 60 and 0.0 < sound.mean() / 3 < 1.0
    assert innovations(_reports(3.0, 0.8), drive).value.mean() > 2 * sound.mean()
