"""What edge deployment promises, as programs that measure themselves."""

from __future__ import annotations

from common.acceptance.experiment import Experiment
from edge_deploy.acceptance import board, cortex, fewshot, fpga, integers, quality, speed

EXPERIMENTS: tuple[Experiment, ...] = (
    *integers.EXPERIMENTS,
    *quality.EXPERIMENTS,
    *speed.EXPERIMENTS,
    *cortex.EXPERIMENTS,
    *board.EXPERIMENTS,
    *fpga.EXPERIMENTS,
    *fewshot.EXPERIMENTS,
)
