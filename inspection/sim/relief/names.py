"""Which sensor judges, said without loading any."""

from __future__ import annotations

SENSOR = "the simulated fringe projection sensor"
