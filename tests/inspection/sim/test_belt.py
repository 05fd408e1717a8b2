"""The belt shows its parts in turn, the same ones every time, and tells the truth about them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs lingnan[sim]")

from inspection.models.shipped import flat
from inspection.sim import belt as belt_module
from inspection.sim.belt import MOST_DEFECTS, SIZES_UM, belt
from inspection.sim.names import GEOMETRY_CHINESE
from inspection.sim.scene import Plan

pytestmark = pytest.mark.inspection


def test_materials_come_in_turn() -> None:
    names = flat()
    line = belt(seed=3)
    assert [line.material(t) for t in range(2 * len(names))] == [*names, *names]
    assert belt(["metal"]).material(17) == "metal"


def test_geometries_of_a_material_come_in_turn() -> None:
    line = belt(["inductor", "glass"], geometries=tuple(GEOMETRY_CHINESE))
    assert [line.geometry(t) for t in range(8)] == [
        "flat", "flat", "flat", "arc", "flat", "freeform", "flat", "flat"
    ]  # fmt: skip


def test_a_moving_belt_smears_and_shifts_the_same_part() -> None:
    still, moving = belt(["glaze"], 5, 1.0), belt(["glaze"], 5, 1.0, speed_mm_s=300)
    assert still.truth(1).defects == moving.truth(1).defects
    sharp, smeared = still.render(1, "inspect", 0.0), moving.render(1, "inspect", 0.0)
    down = [np.abs(np.diff(image, axis=0)).max() for image in (sharp, smeared)]
    assert down[1] < 0.8 * down[0]  # a smear of 3 px along the columns
    assert sharp.mean() == pytest.approx(smeared.mean(), rel=1e-3)


def test_a_part_follows_from_seed_and_trigger_alone() -> None:
    """Whatever was shown before: the same picture and the same truth."""
    straight, jumping = belt(seed=5, defective=1.0), belt(seed=5, defective=1.0)
    jumping.truth(9)
    for trigger in (2, 1):
        np.testing.assert_array_equal(
            straight.render(trigger, "inspect", 0.5), jumping.render(trigger, "inspect", 0.5)
        )
        assert straight.truth(trigger).defects == jumping.truth(trigger).defects
        np.testing.assert_array_equal(straight.truth(trigger).labels, jumping.truth(trigger).labels)
    other = belt(seed=6, defective=1.0)
    assert other.truth(2).defects != straight.truth(2).defects


def test_the_truth_is_of_the_part_that_is_shown() -> None:
    """Asked for another part in between, both are still those of their triggers."""
    line = belt(seed=5, defective=1.0)
    truth = line.truth(4)
    line.render(5, "inspect", 0.0)
    assert line.truth(4).defects == truth.defects
    assert truth.labels.max() == len(truth.defects)
    for i, defect in enumerate(truth.defects):
        y, x = np.argwhere(truth.labels == i + 1).mean(0) * 10.0
        assert np.hypot(x - defect.x_um, y - defect.y_um) < 20 + defect.size_um


@pytest.mark.parametrize(
    ("defective", "low", "high"), [(0.0, 0, 0), (1.0, 400, 400), (0.4, 120, 200)]
)
def test_as_many_are_defective_as_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, defective: float, low: int, high: int
) -> None:
    """400 parts; the bounds of 0.4 are four standard deviations off."""
    plans: list[Plan] = []

    class Watched:
        def __init__(
            self, material: object, regime: object, plan: Plan, *_: object, **__: object
        ) -> None:
            plans.append(plan)

        def truth(self, trigger: int) -> None:
            """Only the plan is looked at."""

    monkeypatch.setattr(belt_module, "StationScene", Watched)
    line = belt(seed=1, defective=defective)
    for trigger in range(400):
        line.truth(trigger)
    counts = Counter(plan.count for plan in plans)
    assert low <= 400 - counts[0] <= high
    assert set(counts) - {0} <= set(range(1, MOST_DEFECTS + 1))
    for plan in plans:
        if plan.count:
            (kind,) = plan.kinds
            assert plan.sizes_um == SIZES_UM[kind]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"materials": ()}, "materials are of"),
        ({"materials": ["metal", "cheese"]}, "cheese"),
        ({"materials": "metal"}, "materials are of"),
        ({"defective": 1.5}, "fraction"),
        ({"defective": float("nan")}, "fraction"),
        ({"defective": -0.1}, "fraction"),
        ({"speed_mm_s": -1.0}, ">= 0"),
        ({"encoder_um": float("nan")}, ">= 0"),
    ],
)
def test_wrong_parameters_are_named(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        belt(**wrong)  # type: ignore[arg-type]
