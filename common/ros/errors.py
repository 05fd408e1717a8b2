"""What can go wrong between us and ROS 2."""

from __future__ import annotations

from common.errors import LingnanError, MissingExtraError


class RosError(LingnanError):
    """ROS 2 cannot do what was asked."""


class MissingRosError(MissingExtraError):
    """rclpy or a message package is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(package, "ros")
        self.args = (
            f"{self}; wheels exist for x86-64 Linux and Python 3.10-3.13 only, elsewhere ROS 2 "
            "comes from the distribution (source /opt/ros/<name>/setup.bash)",
        )


class ParameterError(RosError):
    """A parameter has a value that the configuration refuses."""


class MessageError(RosError, ValueError):
    """A message does not hold what its fields promise, or is of a kind not supported."""
