"""The simulated sensors behind the profiler driver."""

from __future__ import annotations

import numpy as np
import pytest

from common.drivers.base import ConfigError
from common.drivers.registry import create, open_driver
from inspection.sim.relief.gauges import KINDS, draw

pytestmark = pytest.mark.inspection

CONFIG = {
    "kind": "profiler",
    "type": "sim",
    "scene": "inspection.sim.relief.belt:gauges",
    "parameters": {"side_px": 96, "seed": 5},
    "height_px": 96,
    "width_px": 96,
    "realtime": False,
}


def test_the_driver_hands_over_what_the_sensor_measured() -> None:
    with open_driver(CONFIG) as profiler:
        for trigger, kind in enumerate(KINDS):
            seen = profiler.read(timeout_s=60.0).value
            truth = draw(kind, 96, np.random.default_rng([5, trigger])).target.height_um
            assert seen.trigger == trigger
            assert np.sqrt(np.nanmean((seen.height_um - truth) ** 2)) < 2.0


def test_a_sensor_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="sonar"):
        create({**CONFIG, "parameters": {"sensor": "sonar"}})
