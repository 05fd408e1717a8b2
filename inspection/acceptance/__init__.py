"""What inspection promises, as programs that measure themselves."""

from __future__ import annotations

from common.acceptance.experiment import Experiment
from inspection.acceptance import boards

EXPERIMENTS: tuple[Experiment, ...] = (*boards.EXPERIMENTS,)
