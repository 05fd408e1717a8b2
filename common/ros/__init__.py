"""ROS 2: lifecycle node wrapper and message conversions."""
