"""What edge deployment promises, as programs that measure themselves."""

from __future__ import annotations

from common.acceptance.experiment import Experiment
from edge_deploy.acceptance import (
    beside_ncnn,
    board,
    cortex,
    fewshot,
    fewshot_elsewhere,
    fpga,
    incremental,
    integers,
    latency,
    quality,
    road,
    routed,
    search,
    speed,
    textures,
)

EXPERIMENTS: tuple[Experiment, ...] = (
    *integers.EXPERIMENTS,
    *quality.EXPERIMENTS,
    *speed.EXPERIMENTS,
    *cortex.EXPERIMENTS,
    *board.EXPERIMENTS,
    *beside_ncnn.EXPERIMENTS,
    *road.EXPERIMENTS,
    *fpga.EXPERIMENTS,
    *routed.EXPERIMENTS,
    *fewshot.EXPERIMENTS,
    *fewshot_elsewhere.EXPERIMENTS,
    *textures.EXPERIMENTS,
    *incremental.EXPERIMENTS,
    *latency.EXPERIMENTS,
    *search.EXPERIMENTS,
)
