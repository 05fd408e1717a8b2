"""The sensors' rows from errors that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.acceptance.experiment import Context
from common.acceptance.figures import Picture, Plot
from common.types.heightmap import HeightMap
from inspection.acceptance import sensors3d, sensors3d_figures, sensors3d_pace
from inspection.acceptance.sensors3d import SENSORS, Judged
from inspection.sim.relief.gauges import FINISHES, KINDS, draw

pytestmark = pytest.mark.inspection


def judged(kind: str, error_um: float, sigma_um: float, seed: int = 1, side: int = 96) -> Judged:
    """A part seen with normal errors of a known size, its first row not at all."""
    rng = np.random.default_rng(seed)
    gauge = draw(kind, side, rng)
    height = gauge.target.height_um + np.float32(error_um) * rng.standard_normal(
        gauge.target.shape, np.float32
    )
    height[0] = np.nan
    sigma = np.where(np.isnan(height), np.nan, np.float32(sigma_um)).astype(np.float32)
    return Judged(gauge, HeightMap(height, 5.0, sigma))


def test_the_root_mean_square_is_over_all_points_that_were_seen() -> None:
    parts = [judged(kind, error, 1.0) for kind, error in zip(KINDS, (1, 2, 1, 2), strict=True)]
    row = sensors3d._rmse(parts, "0" * 64, 7, sensors3d_figures.shown(parts))
    assert row.value == pytest.approx(np.sqrt(2.5), rel=0.02)
    assert row.low is not None and row.high is not None and row.low < 1.4 < 1.7 < row.high
    assert row.n == 4 and "1.04% of the points not seen" in row.note
    assert isinstance(row.figures[0], Picture)
    assert all(isinstance(figure, Plot) for figure in row.figures[1:])


@pytest.mark.parametrize(("told_um", "share"), [(1.0, 0.9545), (0.5, 0.6827), (2.0, 0.99994)])
def test_coverage_is_the_share_within_two_uncertainties(told_um: float, share: float) -> None:
    parts = [judged("rough", 1.0, told_um, seed) for seed in range(4)]
    row = sensors3d._coverage(parts, "0" * 64, 7)
    assert row.value == pytest.approx(share, abs=0.006)
    (drawn,) = row.figures
    assert isinstance(drawn, Plot)
    assert max(drawn.series[0].y) <= 1.0


def test_the_closed_forms_see_a_step_and_a_sphere_that_are_off() -> None:
    step, sphere = judged("step", 0.1, 0.1), judged("sphere", 0.05, 0.1, side=240)
    good = sensors3d_figures.closed_forms([step, sphere])
    assert abs(good["heights of steps"][0]) < 0.05
    assert abs(good["sags of spheres"][0]) < 0.1
    scaled = []
    for one in (step, sphere):
        taller = HeightMap(one.seen.height_um * np.float32(1.1), 5.0, one.seen.sigma_um)
        scaled.append(Judged(one.gauge, taller))
    off = sensors3d_figures.closed_forms(scaled)
    assert off["heights of steps"][0] == pytest.approx(0.1 * step.gauge.size_um, abs=0.1)
    sag = float(np.ptp(sphere.gauge.target.height_um))
    assert off["sags of spheres"][0] == pytest.approx(sag * (1 - 1 / 1.1), rel=0.1)


def test_gauges_keep_to_the_range_and_meet_every_finish() -> None:
    finishes = set()
    for seed in range(24):
        for kind in KINDS:
            gauge = draw(kind, 64, np.random.default_rng(seed))
            finishes.add(gauge.finish)
            assert np.abs(gauge.target.height_um).max() < 95
    assert finishes == set(FINISHES)
    with pytest.raises(ValueError, match="cube"):
        draw("cube", 64, np.random.default_rng(0))


def test_every_row_is_measured_or_says_why_not(tmp_path: Path) -> None:
    ids = [row.id for e in sensors3d.EXPERIMENTS for row in e.indicators]
    assert len(ids) == len(set(ids)) == 3 * len(SENSORS)
    context = Context("quick", 7, None, tmp_path)
    row = sensors3d._real_row("focus", sensors3d.SIZES["quick"]["focus"], context)
    assert row.value is None and "LINGNAN_DATA" in row.note


def test_a_sensors_rows_come_out_of_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sensors3d.SIZES["quick"], "fringe", sensors3d.Numbers(96, 1, 1))
    context = Context("quick", 3, None, tmp_path)
    first, again = (sensors3d.measure("fringe", context) for _ in range(2))
    assert set(first) == {row.id for row in sensors3d.EXPERIMENTS[0].indicators}
    for name, row in first.items():
        assert (row.value, row.low, row.high) == (
            again[name].value,
            again[name].low,
            again[name].high,
        )
    value = first["S4-D2-R1/fringe"].value
    assert value is not None and 0.2 < value < 1.5


def test_the_pace_is_told_with_its_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sensors3d_pace.TIMED, "quick", 3)
    (row,) = sensors3d_pace.pace(Context("quick", 1, None, tmp_path)).values()
    assert row.n == 3 and row.value is not None and row.value > 0
    assert "GB/s" in row.note
