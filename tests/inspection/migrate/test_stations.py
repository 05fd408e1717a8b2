"""The simulated stations against optics in closed form and against the station of the drawing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inspection.acceptance import migration
from inspection.acceptance.migration import INDICATORS, Trial, change
from inspection.methods.segment import station_method
from inspection.sim.materials import MATERIALS
from inspection.sim.moving import Batch, Outcome
from inspection.sim.regimes import REGIMES
from inspection.sim.render import Points, shade
from inspection.sim.scene import Plan, StationScene
from inspection.sim.station import Light, Station
from inspection.sim.stations import RIGS, Lens, focused, refined, rig_scene, tinted
from inspection.sim.target import target_scene

pytestmark = pytest.mark.inspection


def test_a_lens_scales_turns_mirrors_and_bends_as_stated() -> None:
    lens = Lens(12.5, 896, 0.75, 0.004, 3.0, (120.0, -90.0), is_mirrored=True)
    at = lens.looks_at()
    middle = (at[447, 447] + at[448, 448]) / 2
    assert middle == pytest.approx([lens.centre_um + 120, lens.centre_um - 90])
    across = at[448, 449] - at[448, 448]
    assert np.hypot(*across) == pytest.approx(12.5, rel=1e-4)
    assert np.rad2deg(np.arctan2(across[1], across[0])) == pytest.approx(-177.0, abs=0.01)
    corner = at[0, 0] - middle
    assert np.hypot(*corner) == pytest.approx(np.hypot(447.5, 447.5) * 12.5 * 1.004, rel=1e-4)


def test_a_plain_lens_over_the_drawings_grid_sees_its_pixels() -> None:
    field = np.random.default_rng(1).random((1248, 1248), np.float32)
    assert np.array_equal(focused(field, 10.0, Lens()), field[112:-112, 112:-112])


def test_light_is_not_made_or_lost_by_the_optics() -> None:
    field = np.full((1560, 1560), 3.0, np.float32)
    seen = focused(field, 8.0, RIGS["B"].lens)
    assert np.abs(seen - 3.0).max() < 1e-4
    field[700:900, 600:900] = 9.0
    seen = focused(field, 8.0, RIGS["B"].lens)
    area_um2 = float((seen - 3.0).sum()) / 6.0 * 12.5**2
    assert area_um2 == pytest.approx(200 * 300 * 64, rel=0.01)


def test_a_finer_surface_has_the_same_slopes_and_does_not_ring() -> None:
    part = StationScene(MATERIALS["smd"], REGIMES["judge"], Plan(), 3, (256, 256)).part(0)
    fine = refined(part.surface, 1.25)
    assert fine.pixel_um == 8.0 and fine.height_um.shape == (320, 320)
    assert refined(part.surface, 1.0) is part.surface
    for name in ("slope_x", "slope_y", "albedo", "alpha_x"):
        coarse, finer = getattr(part.surface.points, name), getattr(fine.points, name)
        assert coarse.min() <= finer.min() and finer.max() <= coarse.max()
        assert finer.mean() == pytest.approx(coarse.mean(), abs=float(0.02 * coarse.std() + 1e-6))


@pytest.mark.parametrize("rig", ["A", "B", "C", "D"])
def test_defects_lie_where_the_truth_says(rig: str) -> None:
    batch = Batch("glass", 41, 1, True, 0.5)
    (frame,) = batch.shots(rig)
    truth = batch.truth(rig, 0, on_drawing=False)
    assert truth.labels.shape == frame.shape and len(truth.defects) >= 9
    smooth = cv2.medianBlur(frame, 21).astype(float)
    dark = smooth - frame
    inside, beyond = truth.mask, cv2.dilate(truth.mask.astype(np.uint8), np.ones((9, 9))) == 0
    assert dark[inside].mean() > 15 * abs(dark[beyond].mean()) and dark[inside].mean() > 20
    for label in range(1, len(truth.defects) + 1):
        rows, columns = np.nonzero(truth.labels == label)
        y, x = int(rows.mean()), int(columns.mean())
        around = dark[max(y - 6, 0) : y + 7, max(x - 6, 0) : x + 7]
        peak = np.unravel_index(around.argmax(), around.shape)
        assert abs(peak[0] - min(y, 6)) <= 3 and abs(peak[1] - min(x, 6)) <= 3


def test_points_lie_as_densely_on_a_smaller_field() -> None:
    def density(field: float) -> float:
        found = [len(Batch("glass", n, 1, True, field).truth("A", 0, True).defects) for n in (1, 2)]
        return float(np.mean(found)) / field**2

    assert density(1.0) == 49
    assert density(0.5) == pytest.approx(49, rel=0.25)


def test_stations_see_the_same_parts() -> None:
    truths = [Batch("metal", 5, 1, True, 0.5).truth(rig, 0, on_drawing=True) for rig in "ABCD"]
    for other in truths[1:]:
        assert other.defects == truths[0].defects
        assert np.array_equal(other.labels, truths[0].labels)


def test_strangers_are_refused() -> None:
    for make in (rig_scene, target_scene):
        with pytest.raises(ValueError, match="not one of A, B, C, D"):
            make("E")
        with pytest.raises(ValueError, match="not one of metal"):
            make("A", "cheese")


def test_the_change_counts_the_parts_that_changed() -> None:
    def judged(on_a: list[float], on_b: list[float]) -> Trial:
        return Trial(
            "glass",
            good={
                "A": Outcome(1.0, [], on_a),
                "raw": Outcome(1.0, [], on_b),
                "adapted": Outcome(1.0, [], on_b),
            },
        )

    found = change([judged([0.0] * 1500, [0.0] * 1500)], "0" * 64, "", ())
    assert found.value == 0 and found.high is not None and 0.0019 < found.high < 0.002
    found = change([judged([2, 2, 0, 0, 0], [2, 0, 2, 2, 0])], "0" * 64, "", ())
    assert found.value == pytest.approx(1 / 5)
    assert found.low is not None and found.high is not None and found.low < 0 < 0.5 < found.high


def test_rows_of_jobs_that_were_all_refused_are_not_measured_but_for_the_share_moved() -> None:
    found = migration.rows([Trial("smd", refused="too dark")], "0" * 64)
    assert set(found) == set(migration.NAMES) < {row.id for row in INDICATORS}
    assert all("too dark" in m.note for m in found.values())
    assert found.pop("S4-D1-K2/moved").value == 0.0
    assert all(m.value is None for m in found.values())


def test_the_rows_try_every_material_that_is_simulated() -> None:
    assert sorted(migration.MATERIALS) == sorted(MATERIALS)


def test_light_of_another_colour_changes_the_body_and_not_the_skin() -> None:
    part = StationScene(MATERIALS["glaze"], REGIMES["judge"], Plan(), 3, (64, 64)).part(0)
    other = tinted(part.surface, 0.8)
    assert np.allclose(other.points.albedo, 0.8 * part.surface.points.albedo)
    assert np.array_equal(other.points.f0, part.surface.points.f0)
    assert tinted(part.surface, 1.0) is part.surface


def test_a_panel_leans_with_its_station_as_a_lamp_there_would() -> None:
    """A small panel off the axis is the lamp in that direction: the same facets mirror either."""
    leaning, lamp = (
        Station({"panel": Light(80, (30,), 0.5, is_panel)}).lamps({"panel": 1.0})
        for is_panel in (True, False)
    )
    assert leaning.panel is not None and lamp.panel is None and not len(leaning.directions)
    p, q = (a.ravel().astype(np.float32) for a in np.meshgrid(*2 * [np.linspace(-0.3, 0.3, 31)]))
    plain = [np.full(p.shape, v, np.float32) for v in (0.0, 0.04, 0.1, 0.1)]
    seen, wanted = (shade(Points(p, q, *plain), lamps) for lamps in (leaning, lamp))
    assert seen.argmax() == wanted.argmax()
    near = wanted > 0.05 * wanted.max()
    assert np.corrcoef(seen[near], wanted[near])[0, 1] > 0.99
    there = RIGS["D"].station().lamps({"panel": 1.0}).panel
    assert there is not None
    assert np.hypot(there.slope_x, there.slope_y) == pytest.approx(np.tan(np.deg2rad(4.0) / 2))
    assert np.arctan2(-there.slope_y, -there.slope_x) == pytest.approx(np.deg2rad(17.0))
    level = RIGS["A"].station().lamps({"panel": 1.0}).panel
    assert level is not None and level.slope_x == level.slope_y == 0


def test_stations_show_good_inductors_as_the_drawings_does() -> None:
    """Tall parts cast soft shadows and lie out of focus; with hard ones good parts are rejected."""
    method = station_method("inductor")
    assert method.threshold is not None
    for frame in Batch("inductor", 31, 3, field=0.5).shots("A"):
        assert method.score(frame) < method.threshold


def test_every_station_sees_all_of_the_first_ones_field() -> None:
    """A job looks at station A's field: no place of it may lie beyond the frame or the part."""
    home = RIGS["A"].lens.looks_at()
    corners = home[[0, 0, -1, -1], [0, -1, 0, -1]]
    for name, rig in RIGS.items():
        at = rig.lens.looks_at()
        assert at.min() >= 0 and at.max() <= 2 * rig.lens.centre_um, name
        for corner in corners:
            nearest = np.unravel_index(np.hypot(*(at - corner).T).T.argmin(), at.shape[:2])
            inside = min(nearest) > 0 and max(nearest) < rig.lens.side_px - 1
            assert inside or name == "A", name
