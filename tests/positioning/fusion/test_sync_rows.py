"""The rows of clocks and mount: how their stamps jitter, what they ask for, and how they count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.acceptance.experiment import Context
from positioning.acceptance import EXPERIMENTS, sync
from positioning.acceptance.sync import JITTERED, OFFSET, STEERED, STRAIGHT, YAW, Course
from positioning.sim.road import scenario
from positioning.sim.video.drive import Arrival, Faults, Jitter, arrivals
from positioning.video.camera import Camera

pytestmark = pytest.mark.positioning
FAULTS = Faults(offset_s=0.1, drift=1e-4, yaw_rad=0.01)


def _heard(faults: Faults) -> list[Arrival]:
    world = scenario.street(31, vehicles=2, seconds=1.5)
    return list(arrivals(world, "clear", Camera(), 31, faults))


def _rows(value: np.ndarray | object) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else value.boxes_px  # type: ignore[attr-defined]


def test_without_jitter_every_stamp_is_its_clock() -> None:
    plain = _heard(FAULTS)
    none = _heard(replace(FAULTS, jitter={"camera": Jitter(), "radar": Jitter(0.0, 0.0)}))
    assert [(a.arrives_s, a.stamp_s) for a in plain] == [(a.arrives_s, a.stamp_s) for a in none]
    by_clock = [a.stamp_s for a in plain if not isinstance(a.value, np.ndarray)]
    assert np.ptp(np.diff(np.sort(by_clock))) < 1e-9


def test_jitter_moves_stamps_and_nothing_else() -> None:
    plain, moved = _heard(FAULTS), _heard(replace(FAULTS, jitter=sync.jitter()))
    assert [a.arrives_s for a in plain] == [a.arrives_s for a in moved]
    for a, b in zip(plain, moved, strict=True):
        np.testing.assert_array_equal(_rows(a.value), _rows(b.value))
    off = np.array([b.stamp_s - a.stamp_s for a, b in zip(plain, moved, strict=True)])
    is_radar = np.array([isinstance(a.value, np.ndarray) for a in plain])
    assert len(np.unique(off)) == len(off), "each frame by itself"
    for mine, law in ((off[is_radar], "radar"), (off[~is_radar], "camera")):
        spread = sync.jitter()[law].spread_s
        assert spread / 4 < mine.std() and mine.min() >= -spread - 1e-12


def test_the_law_is_flat_with_rare_late_ones_and_the_mean_that_the_row_tells() -> None:
    rng, mean_s = np.random.default_rng(0), {}
    for name, law in sync.jitter().items():
        off = law.drawn(200_000, rng)
        usual = off[np.abs(off) <= law.spread_s]
        late = off[off > law.spread_s]
        assert off.min() >= -law.spread_s
        assert usual.std() == pytest.approx(law.spread_s / np.sqrt(3), rel=0.02)
        assert len(late) / len(off) == pytest.approx(law.rare, rel=0.06)
        assert late.max() <= law.late_s[1] + law.spread_s
        mean_s[name] = off.mean()
    assert 0.003 < sync.jitter()["camera"].drawn(200_000, rng).std() < 0.008, "some milliseconds"
    assert f"{1e3 * (mean_s['camera'] - mean_s['radar']):.1f} ms" in JITTERED.how


def test_no_stamp_is_later_than_its_frame_arrives() -> None:
    heard = _heard(Faults(jitter=sync.jitter()))
    late = {name: law.late_s[1] + law.spread_s for name, law in sync.jitter().items()}
    assert late["radar"] < 0.02 + 0.004 and late["camera"] < 0.05, "of 20 ms and 50 ms at least"
    assert max(a.stamp_s - a.arrives_s for a in heard) < 0.004


def test_every_case_has_its_four_rows_with_what_a_reader_needs() -> None:
    ids = [row.id for one in EXPERIMENTS for row in one.indicators]
    for case in (STEERED, STRAIGHT, JITTERED):
        rows = sync._sync_rows(case)
        names = [row.id.removeprefix("S4-D3-R3/").removesuffix(case.suffix) for row in rows]
        assert names == ["offset", "interval", "yaw", "yaw-interval"]
        assert all(ids.count(row.id) == 1 for row in rows)
        assert all(case.where in row.claim and row.evidence == "simulated" for row in rows)
        assert f"{OFFSET.most:g} ms" in rows[0].claim and f"{YAW.most:g} mrad" in rows[2].claim
        assert [row.target for row in rows] == [OFFSET.most, 0.9, YAW.most, 0.9]
    claims = [row.claim for one in sync.EXPERIMENTS for row in one.indicators]
    assert len(set(claims)) == 12


def test_yaw_within_its_target_points_at_the_narrowest_body_where_tracks_are_judged() -> None:
    from positioning.sim.road.shapes import KINDS, shape
    from positioning.sim.video.trial import JUDGED_M

    rng = np.random.default_rng(0)
    narrowest = min(shape(kind, rng).width_m for kind in KINDS)
    aside_m = 1e-3 * YAW.most * JUDGED_M
    method = sync._sync_rows(STEERED)[2].method
    assert aside_m < narrowest / 2
    assert f"{aside_m:.2f} m at {JUDGED_M:.0f} m" in method and f"({narrowest} m)" in method


def _course(error: float, sigma: float) -> Course:
    return Course(np.array([1.0, 10.0]), np.array([99.0, error]), np.array([99.0, sigma]))


def test_the_last_errors_count_whatever_their_sign() -> None:
    courses = [_course(*one) for one in ((3.0, 2.0), (-5.0, 2.0), (1.0, 0.4), (-1.0, 1.0))]
    told = sync._told(YAW, JITTERED, courses, "")
    value = told["S4-D3-R3/yaw-jitter"]
    assert (value.value, value.n, value.high) == (2.5, 4, None), "four are too few for bounds"
    assert "largest error 5.0 mrad, mean with its sign -0.5 mrad" in value.note
    held = told["S4-D3-R3/yaw-interval-jitter"]
    assert (held.value, held.n) == (0.5, 4), "beyond two deviations: -5 of 2, and 1 of 0.4"
    more = sync._told(OFFSET, STEERED, courses * 3, "")["S4-D3-R3/offset"]
    assert more.low is not None and 1.0 < more.low < 2.5 < more.high < 5.0


def test_a_straight_drive_is_for_the_full_size(tmp_path: Path) -> None:
    found = sync.measure_sync(STRAIGHT, Context("quick", 31, None, tmp_path))
    assert list(found) == [row.id for row in sync._sync_rows(STRAIGHT)]
    assert all(row.value is None and row.note for row in found.values())
