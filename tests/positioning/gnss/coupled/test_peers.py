"""RTKLIB beside ours: the same open sky solved by both versions, and how a file is counted."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from positioning.acceptance.peers import B34, DEMO5, against, solved
from positioning.gnss.formats import pos
from positioning.gnss.geodesy import enu_axes, to_geodetic
from positioning.gnss.solution import Quality
from positioning.sim.gnss.scenario import Drive, Scenario, simulate
from tests.positioning.gnss.coupled.drives import drive, rtk

pytestmark = pytest.mark.positioning


@pytest.fixture(scope="module")
def open_sky() -> Drive:
    return simulate(Scenario(layout="open", seed=31, duration_s=30.0))


def test_under_an_open_sky_both_fix_the_very_place(open_sky: Drive, tmp_path: Path) -> None:
    """Systems, bands, base and frames reach them whole: else nothing fixes to centimetres."""
    pytest.importorskip("pyrtklib5", reason="demo5 is a peer: pip install pyrtklib5")
    if shutil.which("rnx2rtkp") is None:
        pytest.skip("rnx2rtkp is a peer: apt-get install rtklib")
    told = solved(open_sky, tmp_path)
    assert set(told) == {B34, DEMO5}
    for peer in told.values():
        assert peer.fixed.mean() > 0.5 and not peer.wrong.any()
        assert np.median(peer.horizontal_m[peer.fixed]) < 0.03


def test_a_file_is_counted_over_the_epochs_that_were_expected(tmp_path: Path) -> None:
    """Ten epochs: two missing, three told where they are, five 0.6 m too high, told as fixed."""
    d, (solution, _) = drive(), rtk()
    truth = d.truth.position_m[:10].copy()
    latitude, longitude, _ = to_geodetic(truth[0])
    truth[5:] += 0.6 * enu_axes(latitude, longitude)[2]
    truth[:2] = np.nan
    quality = np.full(10, Quality.FIX, np.int8)
    quality[2:5] = Quality.FLOAT
    fields = {name: getattr(solution, name)[:10] for name in
              ("week", "tow_s", "satellites", "age_s", "ratio")}  # fmt: skip
    spread = np.broadcast_to(np.eye(3) * 1e-4, (10, 3, 3))
    some = replace(solution, **fields, position_m=truth, covariance_m2=spread, quality=quality,
                   velocity_mps=None)  # fmt: skip
    pos.write(tmp_path / "some.pos", some, form="ecef", times="week")
    told = against(d, tmp_path / "some.pos")
    assert len(told.horizontal_m) == len(d.rover)
    assert np.isinf(told.horizontal_m[:2]).all() and np.isinf(told.horizontal_m[10:]).all()
    assert np.all(told.horizontal_m[2:10] < 2e-3)  # what is too high is not aside
    assert np.flatnonzero(told.fixed).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(told.wrong).tolist() == [5, 6, 7, 8, 9]
