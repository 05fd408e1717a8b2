"""The simulated station: exact truth, no seams, the physics of each defect, bad parameters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import expose
from inspection.sim import textures
from inspection.sim.apply import changed, film_reflectance, repaint, touched
from inspection.sim.belt import belt
from inspection.sim.defects import Defect, Imprint, Matter, imprint
from inspection.sim.eink import pattern
from inspection.sim.lighting import Lighting
from inspection.sim.materials import MATERIALS
from inspection.sim.names import CELLS, CHINESE, GEOMETRIES, GEOMETRY_CHINESE, SHAPE
from inspection.sim.render import Ambient, Points
from inspection.sim.scene import EXPOSURE_US, FINE, PIXEL_UM, StationScene, station_scene
from inspection.sim.station import Station, Tolerance
from inspection.sim.surface import Draw, Family

pytestmark = pytest.mark.inspection

SIDE = 192


def scene(material: str, regime: str = "judge", **more: object) -> StationScene:
    return station_scene(material=material, regime=regime, side_px=SIDE, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize("regime", ["train", "judge"])
def test_light_is_finite_positive_and_repeats(material: str, regime: str) -> None:
    light = scene(material, regime, count=4).render(3, "inspect", 0.1)
    again = scene(material, regime, count=4).render(3, "inspect", 0.1)
    assert light.shape == (SIDE, SIDE) and light.dtype == np.float32
    assert np.isfinite(light).all() and light.min() >= 0
    np.testing.assert_array_equal(light, again)


def test_order_of_triggers_and_lights_does_not_matter() -> None:
    one, other = scene("smd", count=4), scene("smd", count=4)
    first = one.render(1, "inspect", 0.0)
    for trigger, light in ((2, "ring"), (1, "dark_field"), (7, "inspect")):
        other.render(trigger, light, 0.5)
    np.testing.assert_array_equal(first, other.render(1, "inspect", 0.0))


def test_parts_and_seeds_differ() -> None:
    a, b = scene("metal").render(0, "inspect", 0.0), scene("metal").render(1, "inspect", 0.0)
    c = scene("metal", seed=1).render(0, "inspect", 0.0)
    assert not np.array_equal(a, b) and not np.array_equal(a, c)


def test_room_light_flickers_at_twice_the_mains_and_strobes_dominate() -> None:
    glaze = scene("glaze")
    peak, trough, again = (glaze.render(0, "inspect", t) for t in (0.0, 0.005, 0.01))
    np.testing.assert_allclose(peak, again, rtol=1e-5)
    assert peak.mean() > trough.mean()
    assert peak.mean() < 1.15 * trough.mean()


@pytest.mark.parametrize("kind", ["point", "scratch", "stain"])
def test_an_imprint_of_nothing_leaves_no_seam(kind: str) -> None:
    rng = np.random.default_rng(0)
    surface = MATERIALS["metal"].build(Draw(rng, "event"), (SIDE, SIDE), PIXEL_UM)
    lamps = Station().lamps({"coaxial": 1.0, "ring": 0.5})
    lighting = Lighting(lamps, Ambient(0.02))
    before = lighting.on(surface.points)
    defect = Defect(kind, "x", 950.0, 950.0, 60.0)  # type: ignore[arg-type]
    made = imprint(defect, 0.02, PIXEL_UM, FINE[kind], rng)
    nothing = Imprint(made.row, made.column, 0 * made.height_um, made.share, made.inside, Matter())
    after = before.copy()
    repaint(after, surface, nothing, FINE[kind], lighting)
    np.testing.assert_allclose(after, before, rtol=1e-5)


@pytest.mark.parametrize("size_um", [30.0, 60.0, 200.0])
def test_a_points_mask_has_the_area_of_its_circle(size_um: float) -> None:
    rng = np.random.default_rng(1)
    areas = []
    for _ in range(60):
        x, y = rng.uniform(800, 1000, 2)
        made = imprint(Defect("point", "pit", x, y, size_um), 0.5, PIXEL_UM, FINE["point"], rng)
        _, cover = touched(made, (SIDE, SIDE), FINE["point"])
        areas.append(float(cover.sum()) * PIXEL_UM**2)
    assert np.mean(areas) == pytest.approx(np.pi * size_um**2 / 4, rel=0.03)


def test_every_defect_has_pixels_of_its_own() -> None:
    truth = scene("glass", count=9, kinds=("point",), sizes_um=(10.0, 30.0)).truth(0)
    assert len(truth.defects) == 9
    for i, defect in enumerate(truth.defects):
        rows, columns = np.nonzero(truth.labels == i + 1)
        assert rows.size > 0
        assert (
            np.hypot(
                columns.mean() + 0.5 - defect.x_um / PIXEL_UM,
                rows.mean() + 0.5 - defect.y_um / PIXEL_UM,
            )
            < 1.5
        )


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize("form", ["pit", "bump", "inclusion"])
def test_a_point_of_30_um_shows_by_its_physics(material: str, form: str) -> None:
    """Against the same part without it, through the camera, beyond five times the noise."""
    from dataclasses import replace

    bare = scene(material, count=9)
    bare.part(0)
    number, part = bare._last  # type: ignore[misc]
    good = bare.render(0, "inspect", 0.0)
    rng = np.random.default_rng(5)
    zones = part.surface.zones
    spot = np.argwhere(zones[40:-40, 40:-40] > 0)[777] + 40
    defect = Defect("point", form, (spot[1] + 0.5) * 10, (spot[0] + 0.5) * 10, 30.0)
    albedo = float(part.surface.albedo[tuple(spot)])
    mark = imprint(defect, albedo, PIXEL_UM, FINE["point"], rng)
    for defects, marks, name in (((), (), "good"), ((defect,), (mark,), "bad")):
        bare._last = (number, replace(part, defects=defects, imprints=marks))
        light = bare.render(0, "inspect", 0.0)
        frames = [
            expose(light, EXPOSURE_US, 0.0, SensorModel(), np.random.default_rng(s)).astype(float)
            for s in range(8)
        ]
        if name == "good":
            good, noise = np.mean(frames, axis=0), float(np.std(frames, axis=0).mean())
    change = np.abs(np.mean(frames, axis=0) - good)
    near = change[spot[0] - 2 : spot[0] + 3, spot[1] - 2 : spot[1] + 3]
    assert near.max() > 5 * noise
    change[spot[0] - 6 : spot[0] + 7, spot[1] - 6 : spot[1] + 7] = 0
    assert change.max() < 5 * noise


def test_a_film_of_no_thickness_and_one_of_half_a_wave_change_nothing() -> None:
    f0, clear = np.full(2, 0.04, np.float32), np.ones(2, np.float32)
    half_wave = np.array([0.0, 0.525 / 2 / 1.38], np.float32)
    np.testing.assert_allclose(film_reflectance(f0, 1.38, half_wave, clear), 0.04, rtol=1e-5)


def test_a_quarter_wave_film_reflects_as_the_textbook_says() -> None:
    host, film = 1.5, 1.38  # magnesium fluoride on glass: 1.4 % is left of 4 %
    f0 = np.array([((1 - host) / (1 + host)) ** 2], np.float32)
    quarter = np.array([0.525 / 4 / film], np.float32)
    wanted = ((film**2 - host) / (film**2 + host)) ** 2
    left = film_reflectance(f0, film, quarter, np.ones(1, np.float32))
    assert left[0] == pytest.approx(wanted, rel=1e-4)


def test_matter_replaces_its_host_by_its_share() -> None:
    host = Points(*(np.full(3, v, np.float32) for v in (0, 0, 0.6, 0.04, 0.1, 0.1)))
    share = np.array([0, 0.5, 1], np.float32)
    made = changed(host, Matter(albedo=0.0, alpha=0.5), 0 * share, 0 * share, share)
    np.testing.assert_allclose(made.albedo, [0.6, 0.3, 0.0], atol=1e-6)
    np.testing.assert_allclose(made.alpha_x, [0.1, 0.3, 0.5], atol=1e-6)
    np.testing.assert_array_equal(made.f0, host.f0)


@pytest.mark.parametrize("scale", [3.0, 20.0, 80.0])
def test_textures_have_unit_deviation_and_their_scale(scale: float) -> None:
    rng = np.random.default_rng(2)
    for field in (
        textures.spectral(rng, (400, 400), scale, scale, 3.0),
        textures.bumps(rng, (400, 400), scale),
    ):
        assert field.mean() == pytest.approx(0, abs=1e-3) and field.std() == pytest.approx(
            1, abs=1e-3
        )
        lag = max(1, int(scale / 3))
        assert np.mean(field[:, lag:] * field[:, :-lag]) > 0.6


def test_the_two_families_are_different_surfaces() -> None:
    """Heavy tails and lone grooves tell the judging family from the teaching one."""
    a = textures.spectral(np.random.default_rng(3), (512, 512), 2, 80, 1.0)
    b = textures.grooves(np.random.default_rng(3), (512, 512), 3, 160, 0.01)
    assert abs(np.mean(a**3)) < 0.3 < abs(np.mean(b**3))


def test_a_groove_has_a_gaussian_profile() -> None:
    field = np.zeros((60, 40), np.float32)
    told = {"x": 17.3, "y": 3.0, "length": 40.0, "turn": 0.05, "width": 7.0, "depth": 2.0}
    textures._cut(field, *(np.array([value]) for value in told.values()))
    row, column = np.mgrid[:60, :40]
    along = (row - 3.0) / 40.0
    sigma, off = 3.5, column - (17.3 + 0.05 * (row - 3.0))
    inside = (row >= 3) & (row < 43) & (np.abs(off) <= 2 * sigma - 1)
    wanted = -2.0 * 4 * along * (1 - along) * np.exp(-((off / sigma) ** 2))
    np.testing.assert_allclose(field[inside], wanted[inside], rtol=1e-6, atol=1e-7)
    assert not field[(row < 3) | (row > 43) | (np.abs(off) > 2 * sigma + 2)].any()


def test_a_station_is_off_its_drawing_by_no_more_than_told() -> None:
    exact = Station().lamps({"ring": 1.0})
    for seed in range(20):
        built = Station().lamps({"ring": 1.0}, Tolerance(2.0, 0.1), np.random.default_rng(seed))
        cosines = (exact.directions * built.directions).sum(axis=1)
        assert np.degrees(np.arccos(cosines.min())) < 2.0 * np.sqrt(3)
        assert np.abs(built.irradiance / exact.irradiance - 1).max() <= 0.1 + 1e-6


def test_lamps_from_the_side_turn_together_and_those_overhead_stay() -> None:
    program = {"coaxial": 1.0, "east": 1.0, "north": 1.0}
    exact = Station().lamps(program)
    turns = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        built = Station().lamps(program, Tolerance(turn_deg=20.0), rng)
        before, after = (np.arctan2(*one.directions.T[1::-1]) for one in (exact, built))
        turned = np.degrees(after - before)[1:]
        assert turned[0] == pytest.approx(turned[1], abs=1e-4)
        np.testing.assert_allclose(built.directions[0], exact.directions[0], atol=1e-6)
        np.testing.assert_allclose(built.directions[:, 2], exact.directions[:, 2], atol=1e-6)
        turns.append(turned[0])
    assert -20 <= min(turns) < -15 and 15 < max(turns) <= 20


def test_another_light_colours_the_body_and_not_the_skin() -> None:
    """Of every part as a whole; what is drawn before it is that of the varied regime."""
    shares = []
    for seed in range(12):
        home, there = (
            station_scene("glaze", regime, seed, side_px=64).part(0).surface
            for regime in ("varied", "stations")
        )
        np.testing.assert_array_equal(home.height_um, there.height_um)
        np.testing.assert_array_equal(home.f0, there.f0)
        share = there.albedo / home.albedo
        assert np.ptp(share) < 1e-5
        shares.append(float(share.mean()))
    assert 0.7 <= min(shares) < 0.95 and 1.1 < max(shares) <= 1.4


@pytest.mark.parametrize("family", ["spectral", "event"])
def test_a_display_shows_no_speck_that_looks_like_a_defect(family: Family) -> None:
    draws = (Draw(np.random.default_rng(n), family) for n in range(60))
    patterns = [pattern(draw, (512, 512), 10.0) for draw in draws]
    mixed = [shown for shown in patterns if 0 < shown.mean() < 1]
    assert len(mixed) > 10
    for shown in mixed:
        for island in (shown, 1 - shown):
            stats = cv2.connectedComponentsWithStats(island)[2][1:]
            left, top, width, height = stats[:, :4].T
            cut = (left == 0) | (top == 0) | (left + width == 512) | (top + height == 512)
            assert (stats[~cut, 2:4] >= 28).all()  # 300 um but for the disk's own pixels


def test_a_good_part_has_no_truth_but_itself() -> None:
    truth = station_scene("plastic", side_px=64).truth(3)
    assert truth.labels.shape == (64, 64) and not truth.mask.any() and truth.defects == ()


def test_boards_keep_their_edges_uninspected() -> None:
    surface = MATERIALS["smd"].build(Draw(np.random.default_rng(1), "event"), (400, 400), 10.0)
    jump = np.abs(np.diff(surface.height_um, axis=1))[:, :] > 60
    assert jump.any()
    near = cv2.dilate(jump.astype(np.uint8), np.ones((3, 3), np.uint8))[:, :] > 0
    assert (surface.zones[:, :-1][near] == 0).all()
    assert set(np.unique(surface.zones)) >= {0, 1}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"material": "wood"}, "wood"),
        ({"regime": "exam"}, "exam"),
        ({"count": -1}, "count"),
        ({"count": 1, "kinds": ("hole",)}, "hole"),
        ({"count": 1, "sizes_um": (0.0,)}, "sizes"),
        ({"geometry": "cube"}, "cube"),
        ({"material": "inductor", "geometry": "arc"}, "inductor is flat, not 'arc'"),
        ({"room": -0.1}, "room"),
        ({"room": float("nan")}, "room"),
        ({"belt_mm_s": -1.0}, ">= 0"),
    ],
)
def test_bad_parameters_are_named(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        station_scene(**wrong)  # type: ignore[arg-type]


def test_every_material_has_its_chinese_name_and_a_flat_geometry() -> None:
    assert list(CHINESE) == list(MATERIALS) == list(GEOMETRIES)
    assert all(forms[0] == "flat" for forms in GEOMETRIES.values())
    assert set(SHAPE) == set(GEOMETRY_CHINESE) == {g for _, g in CELLS}
    for geometry in GEOMETRY_CHINESE:  # the guide's three, each on six materials or more
        assert sum(geometry in forms for forms in GEOMETRIES.values()) >= 6


def test_an_unknown_strobe_is_named() -> None:
    with pytest.raises(ValueError, match="laser"):
        scene("glass").render(0, "laser", 0.0)


def test_the_belt_shows_its_materials_in_turn_and_some_parts_are_good() -> None:
    line = belt(("glass", "metal"), seed=3, defective=0.5)
    assert [line.material(t) for t in range(3)] == ["glass", "metal", "glass"]
    counts = [len(line._plan(t).sizes_um) * line._plan(t).count for t in range(40)]
    assert 5 < sum(count == 0 for count in counts) < 35


def test_a_small_frame_that_no_bump_lies_in_is_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        textures, "bumps", lambda rng, shape, *scale, **more: np.zeros(shape, np.float32)
    )
    for seed in range(6):  # some draw their fields from bumps, some from a spectrum
        scene = station_scene("glaze", seed=seed, side_px=64)
        assert np.isfinite(scene.render(0, "inspect", 0.0)).all()
