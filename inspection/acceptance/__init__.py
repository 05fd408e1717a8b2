"""What inspection promises, as programs that measure themselves."""

from __future__ import annotations

from common.acceptance.experiment import Experiment
from inspection.acceptance import (
    ambient,
    anomaly,
    boards,
    generated,
    imaging,
    line,
    sensors3d,
    sensors3d_pace,
    spheres,
    station,
    stream,
)

EXPERIMENTS: tuple[Experiment, ...] = (
    *line.EXPERIMENTS,
    *station.EXPERIMENTS,
    *stream.EXPERIMENTS,
    *imaging.EXPERIMENTS,
    *ambient.EXPERIMENTS,
    *spheres.EXPERIMENTS,
    *boards.EXPERIMENTS,
    *anomaly.EXPERIMENTS,
    *sensors3d.EXPERIMENTS,
    *sensors3d_pace.EXPERIMENTS,
    *generated.EXPERIMENTS,
)
