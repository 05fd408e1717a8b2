"""The rows of odometry: what is read, what is better, and what is said without the data."""

from __future__ import annotations

import numpy as np
import pytest

from common.acceptance.experiment import Context
from common.paths import data_root
from positioning.acceptance.odometry import (
    RECORD,
    RMS,
    TAIL,
    compared,
    measure,
    odometry,
    recording,
)

pytestmark = pytest.mark.positioning


def test_times_speeds_and_turn_rates_are_read(tmp_path):
    path = tmp_path / "Input.txt"
    path.write_text(
        "odom3 0 5.85 0 0 0 0 -0.006 1 1 1 1 1 1\n"
        "pseudorange3 0 21e6 4 1 2 3 7 1 40 45\n"
        "odom3 0.3 6.5 0 0 0 0 0.25 1 1 1 1 1 1\n"
    )
    time_s, speed_mps, turn_radps = odometry(path, 100.0)
    assert np.allclose(time_s, [100.0, 100.3])
    assert np.allclose(speed_mps, [5.85, 6.5])
    assert np.allclose(turn_radps, [-0.006, 0.25])


def test_without_the_set_nothing_is_measured(tmp_path):
    told = measure(Context("quick", 0, tmp_path, tmp_path))
    assert told[RMS.id].value is None and "berlin" in told[TAIL.id].note


@pytest.mark.data
def test_odometry_helps_in_real_streets():
    root = data_root()
    if root is None or not (root / RECORD).is_file():
        pytest.skip("the recording of Berlin is not there")
    ours, alone = compared(recording(root))
    assert np.isfinite(ours).all()
    assert np.sqrt(np.mean(ours**2)) < np.sqrt(np.mean(alone**2))
    assert np.percentile(ours, 95) < np.percentile(alone, 95)
