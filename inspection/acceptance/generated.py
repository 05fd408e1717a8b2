"""Generated defects (S4-D2-R2): whether they are as asked, like real ones, and worth anything."""

from __future__ import annotations

from common.acceptance.experiment import Experiment
from inspection.acceptance import made, twosample, twosample_boards, worth, worth_boards

EXPERIMENTS: tuple[Experiment, ...] = (
    *made.EXPERIMENTS,
    *twosample.EXPERIMENTS,
    *twosample_boards.EXPERIMENTS,
    *worth.EXPERIMENTS,
    *worth_boards.EXPERIMENTS,
)
