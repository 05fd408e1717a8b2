"""Inertial measurement units: their samples are angular velocity and specific force."""
