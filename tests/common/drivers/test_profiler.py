"""The simulated three-dimensional sensor keeps the drivers' contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.drivers.base import ConfigError
from common.drivers.faults import Corrupt, Drop, Duplicate, Reorder, inject
from common.drivers.profiler.sim import SimProfiler
from common.drivers.registry import create, open_driver
from tests.common.drivers.contract import PATIENCE_S, DriverContract, Make

pytestmark = pytest.mark.common

SIZE = {"height_px": 12, "width_px": 16}
SIM: dict[str, Any] = {
    "kind": "profiler", "type": "sim", "rate_hz": 100.0, "parameters": SIZE, **SIZE,
}  # fmt: skip
MESS = tuple(fault(rate=0.1, until=40) for fault in (Drop, Duplicate, Reorder, Corrupt))
PROFILERS = {
    "sim": lambda: create(SIM),
    "sim, not in real time": lambda: create({**SIM, "realtime": False}),
    "sim, behind faults": lambda: inject(create(SIM), MESS, seed=3),
}


class TestProfiler(DriverContract):
    @pytest.fixture(params=PROFILERS)
    def make(self, request: pytest.FixtureRequest, tmp_path: Path) -> Make:
        return PROFILERS[request.param]


def test_a_trigger_gives_the_height_of_its_own_part() -> None:
    with open_driver({**SIM, "trigger": "hardware"}) as profiler:
        assert isinstance(profiler, SimProfiler)
        for wanted in range(5):
            assert profiler.trigger() == wanted
            part = profiler.read(PATIENCE_S).value
            assert part.trigger == wanted
            rise = part.height_um[:, 8:].mean() - part.height_um[:, :8].mean()
            assert rise == pytest.approx(20.0 * (1 + wanted % 4), abs=0.5)
            assert part.sigma_um is not None and (part.sigma_um == np.float32(0.5)).all()


def test_two_runs_give_the_same_maps() -> None:
    config = {**SIM, "realtime": False}
    runs = []
    for _ in range(2):
        with open_driver(config) as profiler:
            runs.append(np.stack([profiler.read(PATIENCE_S).value.height_um for _ in range(4)]))
    assert (runs[0] == runs[1]).all()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"scene": "os:getcwd"}, "may not be loaded"),
        ({"scene": "common.drivers.camera.scenes:gradient"}, "another kind"),
        ({"height_px": 40_000}, "height_px"),
        ({"parameters": {"colour": 1}}, "colour"),
    ],
)
def test_a_config_that_cannot_be_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        create({**SIM, **wrong})


def test_a_scene_of_another_size_ends_the_stream() -> None:
    wider = {**SIM, "parameters": {**SIZE, "width_px": 17}}
    with open_driver(wider) as profiler, pytest.raises(ConfigError, match="17"):
        profiler.read(PATIENCE_S)


def test_free_running_takes_no_trigger() -> None:
    with open_driver(SIM) as profiler:
        assert isinstance(profiler, SimProfiler)
        with pytest.raises(ConfigError, match="free"):
            profiler.trigger()
