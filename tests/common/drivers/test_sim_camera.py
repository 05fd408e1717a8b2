"""The simulated camera: its trigger, its clock, its losses, and whom it lets render."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from common.drivers.base import ConfigError, NotOpenError, State
from common.drivers.camera.sim import SimCamera
from common.drivers.registry import create
from common.drivers.simulated import scenes

pytestmark = pytest.mark.common

PATIENCE_S = 20.0


def camera(**more: Any) -> SimCamera:
    size = {"height_px": 16, "width_px": 24}
    driver = create({"kind": "camera", "type": "sim", **size, "parameters": size, **more})
    assert isinstance(driver, SimCamera)
    return driver


def test_a_trigger_gives_one_frame_a_light_and_counts() -> None:
    with camera(trigger="hardware", um_per_px=10.0, exposure_us=50.0, gain_db=6.0) as driver:
        assert driver.spec.rate_hz is None and driver.spec.delivery == "every"
        assert [driver.trigger("left", "right"), driver.trigger("top")] == [0, 1]
        images = [driver.read(PATIENCE_S).value for _ in range(3)]
        assert driver.health.state is State.READY
    assert [(i.trigger, i.light) for i in images] == [(0, "left"), (0, "right"), (1, "top")]
    assert (images[0].um_per_px, images[0].exposure_us, images[0].gain_db) == (10.0, 50.0, 6.0)


def test_an_unanswered_trigger_is_noticed() -> None:
    with camera(trigger="hardware", drop_rate=1.0) as driver:
        assert driver.health.state is State.READY
        driver.trigger()
        time.sleep(0.5)
        assert driver.health.state is State.DEGRADED


def test_triggers_are_refused_where_they_mean_nothing() -> None:
    with camera() as free, pytest.raises(ConfigError, match="runs free"):
        free.trigger()
    with pytest.raises(NotOpenError):
        camera(trigger="hardware").trigger()


def test_running_free_it_cycles_its_lights() -> None:
    with camera(lights=("a", "b", "c"), realtime=False) as driver:
        shots = [driver.read(PATIENCE_S).value for _ in range(7)]
    assert [(s.trigger, s.light) for s in shots] == [(n // 3, "abc"[n % 3]) for n in range(7)]


def test_out_of_real_time_the_same_seed_gives_the_same_stream() -> None:
    def stream(seed: int) -> list[tuple[int, int, bytes]]:
        with camera(realtime=False, seed=seed, drop_rate=0.2) as driver:
            samples = [driver.read(PATIENCE_S) for _ in range(30)]
        return [(s.seq, s.device_time_ns, s.value.pixels.tobytes()) for s in samples]

    assert stream(1) == stream(1) != stream(2)


def test_lost_frames_are_gaps_at_their_rate() -> None:
    with camera(realtime=False, drop_rate=0.3, rate_hz=1000.0) as driver:
        last = [driver.read(PATIENCE_S).seq for _ in range(700)][-1]
    lost, n = last + 1 - 700, last + 1
    assert abs(lost - 0.3 * n) < 4 * (0.21 * n) ** 0.5


def test_the_clock_drifts_and_wanders_as_told() -> None:
    clock = {"offset_s": 50.0, "drift_ppm": 80.0, "walk_ns_per_sqrt_s": 500.0}
    with camera(realtime=False, rate_hz=10.0, clock=clock, seed=4) as driver:
        stamps = np.array([driver.read(PATIENCE_S).device_time_ns for _ in range(1000)])
    true_s = np.arange(1000) * 0.1
    error_ns = stamps - 50.0e9 - true_s * 1e9
    drift_ppm = (error_ns[-1] - error_ns[0]) / true_s[-1] / 1e3
    spread_ppm = 500.0 / 1e3 / np.sqrt(true_s[-1])
    assert abs(drift_ppm - 80.0) < 5 * spread_ppm
    steps_ns = np.diff(error_ns) - 80.0 * 1e3 * 0.1
    assert steps_ns.std() == pytest.approx(500.0 * np.sqrt(0.1), rel=0.15)


def test_in_real_time_it_keeps_its_rate_and_drops_for_a_slow_reader() -> None:
    with camera(rate_hz=200.0) as driver:
        first = driver.read(PATIENCE_S)
        time.sleep(0.5)
        newest = driver.read_latest(1.0)
        elapsed_s = (newest.device_time_ns - first.device_time_ns) * 1e-9
        assert (newest.seq - first.seq) / elapsed_s == pytest.approx(200.0, rel=1e-3)
        driver.read(PATIENCE_S)
        assert driver.health.counters.overruns > 0


def test_twelve_bits_come_as_mono16() -> None:
    with camera(sensor={"bits": 12}, realtime=False, gain_db=40.0) as driver:
        image = driver.read(PATIENCE_S).value
    assert image.encoding == "mono16" and driver.spec.dtype == "uint16"
    assert 255 < image.pixels.max() <= 4095


@pytest.mark.parametrize(
    "reference",
    [
        "os:system",
        "subprocess:Popen",
        "common.drivers.camera.scenes:_refuse_stranger",
        "common.drivers.camera.scenes:importlib.import_module",
        "common.drivers.camera.scenes:dataclass",
        "common.drivers.camera.scenes_of_mine:gradient",
        "common.drivers.registry:open_driver",
        "inspection.simulator:scene",
        "gradient",
        "",
    ],
)
def test_a_config_cannot_name_any_code(reference: str) -> None:
    with pytest.raises(ConfigError, match="scene"):
        camera(scene=reference)


def test_a_directions_sim_package_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("inspection.sim.made_up")

    class Grey:
        def render(self, trigger: int, light: str, time_s: float) -> Any:
            return np.full((16, 24), 2.0, np.float32)

    Grey.__module__ = module.__name__
    module.Grey = Grey  # type: ignore[attr-defined]
    module.Path = Any  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert scenes.load("inspection.sim.made_up:Grey", {}, "render").render(0, "", 0.0)[0, 0] == 2.0
    with pytest.raises(ConfigError, match="is not defined in"):
        scenes.load("inspection.sim.made_up:Path", {}, "render")


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(ConfigError, match="colour"):
        camera(parameters={"colour": "red"})


def test_a_scene_of_another_size_or_that_fails_ends_the_stream_with_its_error() -> None:
    with camera(parameters={"height_px": 8, "width_px": 8}) as driver:
        with pytest.raises(ConfigError, match=r"\(8, 8\)"):
            driver.read(PATIENCE_S)
        assert driver.health.state is State.UNAVAILABLE
    bad = camera(scene="common.drivers.camera.scenes:checker",
                 parameters={"height_px": 16, "width_px": 24, "square_px": "wide"})  # fmt: skip
    with bad, pytest.raises(ConfigError, match="failed"):
        bad.read(PATIENCE_S)


@pytest.mark.parametrize(
    ("field", "value"),
    [("rate_hz", 0), ("rate_hz", float("inf")), ("height_px", -1), ("exposure_us", float("nan")),
     ("drop_rate", 1.5), ("sensor", {"bits": 10}), ("lights", ()), ("unknown", 1),
     ("width_px", 10**9)],
)  # fmt: skip
def test_a_bad_config_names_the_field(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=field):
        camera(**{field: value})


def test_a_frame_over_the_limit_of_images_is_refused() -> None:
    with pytest.raises(ConfigError, match="32000 x 32000"):
        camera(height_px=32_000, width_px=32_000)
