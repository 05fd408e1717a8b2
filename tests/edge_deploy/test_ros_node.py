"""The node's parameters and its step, without a running graph."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")
pytest.importorskip("rclpy", reason="needs lingnan[ros]")

from common.drivers.base import ConfigError
from common.errors import LingnanError
from common.ros.parameters import ParameterMap
from common.types.image import Image
from common.types.stamped import Stamped
from edge_deploy.checksets import WEIGHTS, f1
from edge_deploy.ros_node import WIRING, RosConfig, open_camera, open_pipeline
from edge_deploy.sim.trays import tray

pytestmark = [
    pytest.mark.edge,
    pytest.mark.ros,
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),  # of lark, for rosidl
]


def test_parameters_give_the_config_back() -> None:
    made = ParameterMap(WIRING.config)
    config = RosConfig(model="a.onnx", camera={"type": "sim"})
    assert made.config(made.values(config)) == config


def test_the_step_finds_the_parts_of_a_tray() -> None:
    rng = np.random.default_rng(12)
    scores = []
    with open_pipeline(RosConfig) as step:
        for at in range(6):
            made = tray(rng)
            sample = Stamped(at, 5, 8, "camera_optical", Image(made.picture(rng)))
            found = step(sample)
            assert (found.seq, found.host_time_ns) == (at, 8)
            scores.append(f1(found.value, made))
    assert np.mean(scores) > 0.9


def test_a_model_that_is_no_detector_is_refused() -> None:
    config = RosConfig(model=str(WEIGHTS / "resnet8_int8.onnx"))
    with pytest.raises(ConfigError, match="heat and size"), open_pipeline(lambda: config):
        pass
    absent = RosConfig(model="nowhere.onnx")
    with pytest.raises(LingnanError, match=r"nowhere\.onnx"), open_pipeline(lambda: absent):
        pass


def test_the_camera_is_the_configs(installed: None) -> None:
    assert open_camera(RosConfig()) is None
    scene = {"scene": "edge_deploy.sim.trays:scene", "height_px": 64, "width_px": 64}
    camera = open_camera(RosConfig(camera={"type": "sim", **scene}))
    assert camera is not None and camera.spec.shape == (64, 64)
