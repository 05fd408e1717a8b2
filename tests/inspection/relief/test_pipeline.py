"""Whole parts: where they lie, what is right with good ones, what is told of bad ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from common.types.heightmap import HeightMap
from inspection.relief.classify import FEATURES, KINDS, Kinds, KindsError, shipped, teach
from inspection.relief.pipeline import inspect
from inspection.relief.pose import NoPartError, locate
from inspection.relief.recipes import PRODUCTS, Recipe, UnknownRecipeError, recipe
from inspection.sim.relief.flaws import Flaw, carve
from inspection.sim.relief.generic import GENERIC, Generic, seen
from inspection.sim.relief.products import PIXEL_UM, part
from inspection.sim.relief.trial import Lot, Scene, matched, scenes
from inspection.sim.surface import Draw

pytestmark = pytest.mark.inspection

PITS = (Flaw("pit", 0, 0, 30, 20),) * 4


def view(scene: Scene) -> HeightMap:
    return seen(scene.part.height_um, PIXEL_UM, scene.rng, GENERIC)


@pytest.fixture(params=PRODUCTS, ids=lambda r: r.name)
def product(request: pytest.FixtureRequest) -> Recipe:
    return request.param  # type: ignore[no-any-return]


def test_the_pose_is_that_of_the_drawing(product: Recipe) -> None:
    for seed in range(2):
        rng = np.random.default_rng(seed)
        made = part(product, Draw(rng, "event"))
        found = locate(seen(made.height_um, PIXEL_UM, rng, GENERIC), product)
        assert found.row == pytest.approx(made.row, abs=0.8)
        assert found.column == pytest.approx(made.column, abs=0.8)
        assert found.turn_rad == pytest.approx(made.turn_rad, abs=1.5e-3)
        assert found.width_um == pytest.approx(product.width_um, abs=35)


def test_good_parts_pass_and_pits_are_found_named_and_refused(product: Recipe) -> None:
    (good,) = scenes(Lot(product, "event", 31, 1))
    result = inspect(view(good), product, shipped())
    assert result.reasons == ()
    (bad,) = scenes(Lot(product, "event", 32, 1, PITS))
    result = inspect(view(bad), product, shipped())
    best, _ = matched(bad, result.flaws)
    assert len(best) == 4
    for found in best:
        assert found is not None and found.refused and found.kind == "pit"
        assert found.size.depth_um == pytest.approx(20, abs=5)
        assert any(found.region in reason and "pit" in reason for reason in result.reasons)


def test_the_same_map_gives_the_same_result() -> None:
    (scene,) = scenes(Lot(recipe("smd-chip"), "event", 33, 1, PITS))
    once = view(scene)
    a, b = (inspect(once, recipe("smd-chip"), shipped()) for _ in range(2))
    assert a.reasons == b.reasons and a.pose == b.pose


@pytest.mark.parametrize(
    ("name", "absent"), [("connector-pin", "pin-3"), ("wafer-die", "bump 1/2")]
)
def test_what_is_missing_is_told_by_its_name(name: str, absent: str) -> None:
    (scene,) = scenes(Lot(recipe(name), "event", 34, 1, absent=absent))
    result = inspect(view(scene), recipe(name), shipped())
    assert [reason.split(":")[0] for reason in result.reasons] == [absent]


def test_a_shallow_flaw_within_tolerance_is_told_but_not_refused() -> None:
    shallow = (Flaw("dent", 0, 0, 200, 4),)
    (scene,) = scenes(Lot(recipe("wafer-die"), "event", 35, 1, shallow))
    result = inspect(view(scene), recipe("wafer-die"), shipped())
    (found,), _ = matched(scene, result.flaws)
    assert found is not None and not found.refused and not result.is_defective


def test_a_region_that_was_not_seen_is_no_good_region() -> None:
    (scene,) = scenes(Lot(recipe("battery-tab"), "event", 36, 1))
    blind = view(scene)
    blind.height_um[150:330, 150:450] = np.nan
    reasons = inspect(blind, recipe("battery-tab"), shipped()).reasons
    assert len(reasons) == 1 and "was seen" in reasons[0]


def test_another_product_or_none_is_refused() -> None:
    (scene,) = scenes(Lot(recipe("smd-chip"), "event", 37, 1))
    with pytest.raises(NoPartError, match="outline"):
        inspect(view(scene), recipe("wafer-die"), shipped())
    empty = HeightMap(np.zeros((200, 200), np.float32), PIXEL_UM)
    with pytest.raises(NoPartError, match="stands out"):
        inspect(empty, recipe("smd-chip"), shipped())
    with pytest.raises(UnknownRecipeError, match="battery-tab"):
        recipe("spoon")


def test_a_surface_that_fills_the_map_needs_no_outline() -> None:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:200, :220].astype(np.float32) * PIXEL_UM
    height = (3e-5 * (x - 500) ** 2 - 0.02 * y).astype(np.float32)
    carve(height, PIXEL_UM, Flaw("scratch", 600, 400, 30, 8, 300, 0.4), "event", rng)
    result = inspect(seen(height, PIXEL_UM, rng, GENERIC), recipe("surface"), shipped())
    assert [flaw.kind for flaw in result.flaws if flaw.refused] == ["scratch"]


@pytest.mark.parametrize("family", ["spectral", "event"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_flaw_is_as_deep_as_it_says(kind: str, family: str) -> None:
    height = np.zeros((200, 200), np.float32)
    flaw = Flaw(kind, 500, 500, 120, 20, 160 if kind in ("scratch", "chip") else 0, 0.3)  # type: ignore[arg-type]
    mask = carve(height, PIXEL_UM, flaw, family, np.random.default_rng(2))  # type: ignore[arg-type]
    extreme = float((height * flaw.sign).max())
    assert 0.7 * 20 < extreme <= 20 + 1e-4
    assert mask.any() and not mask[:40].any() and np.abs(height[~mask]).max() <= 2 + 1e-4


def test_nothing_is_cut_out_of_the_stage() -> None:
    height = np.where(np.arange(100)[None] < 50, 0, 300) * np.ones((100, 1))
    height = np.ascontiguousarray(height, np.float32)
    before = height.copy()
    chip = Flaw("chip", 250, 250, 150, 60, 150, 0.0)
    mask = carve(height, PIXEL_UM, chip, "event", np.random.default_rng(3), 20)
    assert np.array_equal(height[:, :50], before[:, :50])
    assert mask.any() and height[:, 50:].min() == pytest.approx(240, abs=6)


@pytest.mark.parametrize("steep", [1.2, 8.0])
def test_a_grain_is_none_the_less_one_where_the_sensor_sees_its_walls(steep: float) -> None:
    grain, bump = Flaw("particle", 0, 0, 60, 32), Flaw("bump", 0, 0, 100, 25)
    sensor = Generic(0.6, 0.5, 0.6, 4.0, steep)
    named = []
    for scene in scenes(Lot(recipe("battery-tab"), "event", 34, 2, (grain,) * 6 + (bump,) * 4)):
        view = seen(scene.part.height_um, PIXEL_UM, scene.rng, sensor)
        best, _ = matched(scene, inspect(view, recipe("battery-tab"), shipped()).flaws)
        named += [
            (flaw.kind, found and found.kind) for flaw, found in zip(scene.flaws, best, strict=True)
        ]
    assert len(named) >= 16
    assert all(true == told for true, told in named), named


def test_the_classifier_is_plain_text_that_comes_back_the_same() -> None:
    text = shipped().to_json()
    assert Kinds.from_json(text).to_json() == text
    assert set(json.loads(text)["kinds"]) == set(KINDS)
    for broken in (
        "{",
        "[]",
        text.replace("log_width_um", "colour"),
        text.replace('"dent"', '"x"'),
    ):
        with pytest.raises(KindsError):
            Kinds.from_json(broken)


def test_teaching_separates_what_differs_and_chances_add_up() -> None:
    rng = np.random.default_rng(4)
    middles = rng.normal(0, 3, (len(KINDS), len(FEATURES)))
    kinds = list(KINDS) * 30
    features = np.array(
        [middles[KINDS.index(k)] + rng.normal(0, 0.5, len(FEATURES)) for k in kinds]
    )
    taught = teach(features, kinds)
    for kind, middle in zip(KINDS, middles, strict=True):
        chances = taught.chances(middle)
        assert sum(chances.values()) == pytest.approx(1)
        assert max(chances, key=lambda k: chances[k]) == kind
