"""The indicators of positioning, by their ids in the guide."""

from __future__ import annotations

from positioning.acceptance import (
    coldstart,
    coupled,
    drives,
    fusion,
    odometry,
    radar,
    scenes,
    static,
    streets,
)

EXPERIMENTS = (
    *streets.EXPERIMENTS,
    *odometry.EXPERIMENTS,
    *static.EXPERIMENTS,
    *drives.EXPERIMENTS,
    *coupled.EXPERIMENTS,
    *coldstart.EXPERIMENTS,
    *scenes.EXPERIMENTS,
    *radar.EXPERIMENTS,
    *fusion.EXPERIMENTS,
)
