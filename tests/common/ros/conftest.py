"""A private ROS domain on this machine alone, for every test of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def ros_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a test's ROS processes. Domains 1..100 are safe on Linux; one a process."""
    logs: Path = tmp_path_factory.mktemp("ros-log")
    return {
        "ROS_DOMAIN_ID": str(1 + os.getpid() % 100),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_LOG_DIR": str(logs),
    }


@pytest.fixture
def ros_context(ros_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An initialised rclpy context."""
    rclpy = pytest.importorskip("rclpy", reason="needs lingnan[ros]")
    for name, value in ros_environment.items():
        monkeypatch.setenv(name, value)
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)
