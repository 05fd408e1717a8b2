"""What edge deployment promises, as programs that measure themselves."""

from __future__ import annotations

from common.acceptance.experiment import Experiment
from edge_deploy.acceptance import (
    board,
    cortex,
    fewshot,
    fewshot_elsewhere,
    fpga,
    incremental,
    integers,
    quality,
    routed,
    search,
    speed,
)

EXPERIMENTS: tuple[Experiment, ...] = (
    *integers.EXPERIMENTS,
    *quality.EXPERIMENTS,
    *speed.EXPERIMENTS,
    *cortex.EXPERIMENTS,
    *board.EXPERIMENTS,
    *fpga.EXPERIMENTS,
    *routed.EXPERIMENTS,
    *fewshot.EXPERIMENTS,
    *fewshot_elsewhere.EXPERIMENTS,
    *incremental.EXPERIMENTS,
    *search.EXPERIMENTS,
)
