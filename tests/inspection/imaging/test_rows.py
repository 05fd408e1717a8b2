"""The rows of new-regime imaging: from curves that are known, on the rig, on real spheres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.acceptance.experiment import Context
from common.acceptance.figures import Plot
from inspection.acceptance import ambient, imaging, spheres
from inspection.acceptance.ambient import Outcome, row
from inspection.acceptance.capture import NOISE, SENSOR, Look, fused, plain
from inspection.acceptance.sweep import (
    BARE,
    CAMERAS,
    FILTERED,
    FUSED,
    PLAIN,
    SIDE_PX,
    WEAK,
    Curve,
    Sweep,
    measure,
    span_db,
    subject,
)
from inspection.imaging.fused import LIGHTS
from inspection.sim.rig import Layers, Rig
from inspection.sim.scene import station_scene
from tests.conftest import data_set

pytestmark = pytest.mark.inspection


@pytest.mark.parametrize(
    ("contrast", "span"),
    [
        ([9, 9, 9, 9], 60.0),
        ([9, 9, 9, 1], 50.0),  # half of the last 20 dB
        ([1, 9, 9, 9], 50.0),
        ([9, 1, 9, 9], 30.0),  # the longer of two runs
        ([1, 1, 1, 1], 0.0),
        ([5, 5, 5, 5], 60.0),
        ([1, 9, 1, 1], 20.0),
    ],
)
def test_span_is_the_longest_run_over_the_threshold(contrast: list[float], span: float) -> None:
    levels = np.array([-40.0, -20.0, 0.0, 20.0])
    assert span_db(levels, np.array(contrast, float)) == pytest.approx(span)


def known_sweep(parts: int) -> Sweep:
    sweep = Sweep((-80.0, 0.0, 20.0, 40.0), CAMERAS, 20.0)
    sweep.by_chance, sweep.temporal = [0.5, 6.0], {"metal": [0.25]}
    for part in range(parts):
        good, poor = np.array([50.0, 50.0, 40.0, 1.0]), np.array([20.0, 10.0, 4.0, 0.0])
        values = {PLAIN: poor, FILTERED: good / 2, BARE: poor, FUSED: good}
        sweep.curves.append(Curve("metal", "point", "pit", part, values))
    return sweep


def test_rows_follow_from_the_curves() -> None:
    sweep = known_sweep(5)
    found = imaging._span(sweep, "0" * 64, 1, ())
    assert found.value == pytest.approx(100 + 20 * 35 / 39) and found.n == 5
    assert "1 of 2 reach 5" in found.note and "plain: 96.7 dB" in found.note
    gain = imaging._gain(sweep, "metal", "0" * 64, 1)
    assert gain.value == pytest.approx(20)  # 40 against 4
    assert "same filter 6.0 dB" in gain.note and "25 % is temporal" in gain.note
    assert imaging._gain(sweep, "glass", "0" * 64, 1).value is None
    drawn = imaging._plot(sweep, "light [dB]", "light")
    assert isinstance(drawn, Plot) and [s.name for s in drawn.series] == list(CAMERAS)


def test_light_adds_up_on_the_rig() -> None:
    """Layers against the scene's own renderer: what burns together is the sum of what burns."""
    scene = station_scene("metal", "judge", 3, 2, ("point",), (60.0,), 64)
    layers = Layers.of(scene, 0, ("coaxial", "ring"))
    for light in layers.strobes:
        both = scene.alone(0, light, room=0.4)
        np.testing.assert_allclose(both, layers.strobes[light] + 0.4 * layers.room, rtol=1e-4)
    # the whole program at once, on a station that is misaligned by the same tolerance
    together = scene.render(0, "inspect", 0.0025)  # at this moment flicker is nought
    summed = layers.strobes["coaxial"] + 0.5 * layers.strobes["ring"]
    assert np.median(summed) == pytest.approx(float(np.median(together)), rel=0.15)


def test_differencing_gives_the_strobe_back_from_ten_times_its_light() -> None:
    scene = station_scene("glaze", "judge", 3, 0, side_px=64)
    layers = Layers.of(scene, 0, LIGHTS)
    rng = np.random.default_rng(1)
    bright = fused(Rig(layers, SENSOR, rng, 10.0, 0.05, 0.9))
    truth = layers.strobes["coaxial"] * 0.9
    assert not bright.saturated.any()
    assert bright.bright_field.mean() == pytest.approx(float(truth.mean()), rel=0.02)
    shot = plain(Rig(layers, SENSOR, rng, 10.0), {"coaxial": 1.0})
    assert shot.frame.max() < NOISE.saturation_dn
    dimmed = plain(Rig(layers, SENSOR, rng, 0.0), {"coaxial": 1.0})
    assert shot.exposure_us < dimmed.exposure_us / 5


def test_a_part_is_swept_and_the_same_seed_gives_the_same_curves() -> None:
    seen = []
    for _ in range(2):
        sweep = Sweep((-20.0, 20.0), (PLAIN, FUSED), 20.0)
        one = subject("metal", WEAK[0], 0, 5, slice(None))
        measure(sweep, one, imaging.room_light, Look(), 5)
        seen.append(np.array([[*c.cnr[PLAIN], *c.cnr[FUSED]] for c in sweep.curves]))
        assert len(sweep.views) == 1 and len(sweep.curves) == len(one.targets) > 0
    assert np.array_equal(*seen)
    plain_cnr, fused_cnr = np.median(seen[0][:, [1, 3]], axis=0)
    assert fused_cnr > plain_cnr  # at ten times the strobes


def test_a_dimmed_part_leaves_its_strip() -> None:
    layers = Layers({"coaxial": np.ones((4, SIDE_PX), np.float32)}, np.ones((4, SIDE_PX)), None)  # type: ignore[arg-type]
    dimmed, room = imaging.part_brightness(layers, -40.0)
    row_ = dimmed.strobes["coaxial"][0]
    assert room == 0 and row_[0] == pytest.approx(0.01) and row_[-1] == 1.0


def test_the_ambient_row_counts_what_changed_sides() -> None:
    outcome = Outcome()
    outcome.found = {
        "dark": [True] * 98 + [False, False],
        "bright": [True] * 95 + [False] * 3 + [True, False],
        "plain": [False] * 100,
    }
    found = row(outcome, "0" * 64)
    assert found.value == pytest.approx(2.0)  # three lost, one won, of a hundred
    assert found.low is not None and found.high is not None
    assert found.low < 0 < found.value < found.high
    assert "3 newly missed, 1 newly found" in found.note


def test_full_size_holds_the_n_that_a_tenth_of_a_point_needs() -> None:
    n = ambient.PARTS["full"] * 4 * ambient.PER_PART
    outcome = Outcome({case: [True] * n for case in ambient.CASES})
    found = row(outcome, "0" * 64)
    assert found.high is not None and found.high < 0.1


def test_spheres_are_not_measured_without_the_data(tmp_path: Path) -> None:
    found = spheres.measure(Context("quick", 1, tmp_path, tmp_path))
    assert all(one.value is None and "psm_photometric" in one.note for one in found.values())


@pytest.mark.data
def test_real_spheres_beat_least_squares(real_data: Path, tmp_path: Path) -> None:
    data_set(real_data, spheres.SET)
    found = spheres.measure(Context("quick", 1, real_data, tmp_path))
    gray, chrome = (found[one.id] for one in (spheres.GRAY, spheres.CHROME))
    assert gray.high is not None and gray.high < 0
    assert chrome.high is not None and chrome.high < 2


def test_every_row_has_its_own_id() -> None:
    experiments = (*imaging.EXPERIMENTS, *ambient.EXPERIMENTS, *spheres.EXPERIMENTS)
    ids = [one.id for experiment in experiments for one in experiment.indicators]
    assert len(set(ids)) == len(ids) and "S4-D1-R1" in ids
    assert all(one.startswith("S4-D1-R1") for one in ids)
