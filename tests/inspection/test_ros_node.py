"""The node's parameters and its step, without a running graph."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs lingnan[ros]")

from common.drivers.base import ConfigError
from common.errors import LingnanError
from common.ros.errors import ParameterError
from common.ros.parameters import ParameterMap
from common.types.detections import Detections
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.job import Job
from inspection.ros_node import WIRING, RosConfig, open_camera, open_pipeline
from tests.inspection.boards import defective, golden

pytestmark = [
    pytest.mark.inspection,
    pytest.mark.ros,
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),  # of lark, for rosidl
]
MAP = ParameterMap(RosConfig())


@pytest.fixture
def reference(tmp_path: Path) -> str:
    """The golden image's file."""
    path = tmp_path / "golden.png"
    cv2.imwrite(str(path), golden())
    return str(path)


def sample(seed: int, kinds: tuple[str, ...] = ("short", "spur")) -> Stamped[Image]:
    image, _ = defective(kinds, np.random.default_rng(seed))
    return Stamped(3, 5, 8, "camera_optical", Image(image))


@pytest.mark.parametrize(
    "config",
    [
        RosConfig(),
        RosConfig(job="a.job", reference="b.png", um_per_px=2.5),
        RosConfig(camera={"type": "sim", "lights": ["a", "b"], "sensor": {"bits": 12}}),
    ],
)
def test_parameters_give_the_config_back(config: RosConfig) -> None:
    values = MAP.values(config)
    assert set(values) == {"job", "reference", "um_per_px", "camera"}
    assert MAP.config(values) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("um_per_px", 0.0),
        ("um_per_px", float("inf")),
        ("um_per_px", float("nan")),
        ("camera", "{"),
        ("camera", "[]"),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=name):
        MAP.config({**MAP.values(RosConfig()), name: value})


def test_the_step_gives_what_the_method_finds(
    boards_job: Path, taught: Job, reference: str
) -> None:
    config = RosConfig(job=str(boards_job), reference=reference)
    with open_pipeline(lambda: config) as step:
        shown = sample(2)
        told = step(shown)
        again = step(shown)
    assert (told.seq, told.device_time_ns, told.frame_id) == (3, 5, "camera_optical")
    assert isinstance(told.value, Detections)
    expected = taught.method().inspect(shown.value.pixels, golden()).found
    np.testing.assert_array_equal(told.value.boxes_px, expected.boxes_px)
    np.testing.assert_array_equal(told.value.boxes_px, again.value.boxes_px)
    assert {told.value.names[i] for i in told.value.labels} == {"short", "spur"}


def test_candidates_below_the_threshold_are_not_published(
    taught: Job, reference: str, tmp_path: Path
) -> None:
    shown = sample(2)
    weak, strong = sorted(taught.method().inspect(shown.value.pixels, golden()).found.scores)
    stricter = {**taught.threshold, "value": float(weak + strong) / 2}
    path = tmp_path / "strict.job"
    Job(taught.kind, taught.state, stricter, taught.recipe).save(path)
    with open_pipeline(lambda: RosConfig(job=str(path), reference=reference)) as step:
        assert step(shown).value.scores.tolist() == [strong]


def test_a_good_part_gives_no_detection(boards_job: Path, reference: str) -> None:
    config = RosConfig(job=str(boards_job), reference=reference)
    with open_pipeline(lambda: config) as step:
        assert len(step(sample(3, ())).value) == 0


def test_an_image_not_of_the_part_is_an_error_of_that_sample(
    boards_job: Path, reference: str
) -> None:
    small = Stamped(0, 0, 0, "camera_optical", Image(golden()[:100].copy()))
    with open_pipeline(lambda: RosConfig(job=str(boards_job), reference=reference)) as step:
        with pytest.raises(ValueError, match="golden image is"):
            step(small)
        assert len(step(sample(4)).value) == 2


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"job": ""}, ConfigError, "the parameter `job` names no job file"),
        ({"job": "none.job"}, LingnanError, "none.job: no such job file"),
        ({"reference": "none.png"}, LingnanError, "none.png"),
    ],
)
def test_what_cannot_be_had_is_named_before_the_first_image(
    boards_job: Path, changes: dict[str, str], error: type[Exception], reason: str
) -> None:
    config = RosConfig(**{"job": str(boards_job), **changes})
    with pytest.raises(error, match=reason), open_pipeline(lambda: config):
        pass


def test_a_camera_is_made_where_one_is_named() -> None:
    assert open_camera(RosConfig()) is None
    camera = open_camera(RosConfig(camera={"type": "sim", "rate_hz": 5.0}))
    assert camera is not None and not camera.is_open
    assert (camera.spec.kind, camera.spec.rate_hz) == ("camera", 5.0)
    with pytest.raises(ConfigError, match="camera/laser"):
        open_camera(RosConfig(camera={"type": "laser", "kind": "lidar"}))


def test_the_wiring_starts_from_the_defaults() -> None:
    assert WIRING.name == "inspection"
    assert WIRING.config == RosConfig()
    assert (WIRING.subscribes[1], WIRING.publishes[1]) == ("image", "detections")


def test_the_program_says_why_it_does_not_start(tmp_path: Path) -> None:
    words = ("--ros-args", "-p", "job:=none.job", "--log-level", "inspection:=debug")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "inspection.ros_node", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "", "HOME": str(tmp_path), "ROS_LOG_DIR": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "none.job: no such job file" in done.stderr + done.stdout
    assert "inspection: inspection could not be configured" in done.stderr
    assert "Traceback" not in done.stderr
