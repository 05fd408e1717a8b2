"""The shared ground's own indicators: the harness, its statistics, the sheets, the drivers."""

from common.acceptance.experiment import Experiment
from common.acceptance.ground import coverage, faults, integrity, sheets

EXPERIMENTS: tuple[Experiment, ...] = (
    integrity.TAMPERING,
    integrity.REPETITION,
    coverage.COVERAGE,
    sheets.SHEETS,
    faults.FAULTS,
)
