"""What inspection promises, as programs that measure themselves."""

from __future__ import annotations

from common.acceptance.experiment import Experiment
from inspection.acceptance import (
    ambient,
    anomaly,
    boards,
    events,
    generated,
    imaging,
    line,
    migration,
    regions,
    relief,
    relief_clearance,
    relief_speed,
    relief_strained,
    relief_surfaces,
    sensors3d,
    sensors3d_pace,
    sorting,
    spheres,
    station,
    stream,
)

EXPERIMENTS: tuple[Experiment, ...] = (
    *line.EXPERIMENTS,
    *station.EXPERIMENTS,
    *regions.EXPERIMENTS,
    *stream.EXPERIMENTS,
    *imaging.EXPERIMENTS,
    *events.EXPERIMENTS,
    *ambient.EXPERIMENTS,
    *spheres.EXPERIMENTS,
    *migration.EXPERIMENTS,
    *boards.EXPERIMENTS,
    *anomaly.EXPERIMENTS,
    *generated.EXPERIMENTS,
    *sensors3d.EXPERIMENTS,
    *sensors3d_pace.EXPERIMENTS,
    *relief.EXPERIMENTS,
    *relief_strained.EXPERIMENTS,
    *relief_surfaces.EXPERIMENTS,
    *relief_clearance.EXPERIMENTS,
    *relief_speed.EXPERIMENTS,
    *sorting.EXPERIMENTS,
)
