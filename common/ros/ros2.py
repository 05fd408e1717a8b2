"""The names of ROS 2 that the rest of this folder uses.

Imported in this one place, so that their absence is told in one way: MissingRosError.
"""

from __future__ import annotations

from common.ros.errors import MissingRosError

try:
    import rclpy
    from builtin_interfaces.msg import Time
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
    from nav_msgs.msg import Odometry
    from rcl_interfaces.msg import (
        FloatingPointRange,
        IntegerRange,
        ParameterDescriptor,
        SetParametersResult,
    )
    from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
    from rclpy.executors import ExternalShutdownException
    from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
    from rclpy.parameter import Parameter
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image as ImageMessage
    from sensor_msgs.msg import PointCloud2, PointField
    from std_msgs.msg import Int16MultiArray, MultiArrayDimension, String
except ImportError as error:
    raise MissingRosError(error.name or "rclpy") from error

__all__ = [
    "DiagnosticArray",
    "DiagnosticStatus",
    "ExternalShutdownException",
    "FloatingPointRange",
    "ImageMessage",
    "Int16MultiArray",
    "IntegerRange",
    "InvalidParameterTypeException",
    "InvalidParameterValueException",
    "KeyValue",
    "LifecycleNode",
    "MultiArrayDimension",
    "Odometry",
    "Parameter",
    "ParameterDescriptor",
    "PointCloud2",
    "PointField",
    "SetParametersResult",
    "String",
    "Time",
    "TransitionCallbackReturn",
    "qos_profile_sensor_data",
    "rclpy",
]
