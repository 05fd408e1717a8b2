"""E-ink's capsules: as many as disks pack, each with pigment of its own; the taught ones are made
otherwise than the judged ones."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from inspection.sim import eink, textures
from inspection.sim.regimes import REGIMES
from inspection.sim.scene import station_scene
from inspection.sim.surface import Draw

pytestmark = pytest.mark.inspection

SIDE = 512
TAUGHT = ("bricks", "basins")
MAKERS = [textures.capsules, textures.bricks, textures.basins]
HEXAGON = np.sqrt(3) / 2  # of the squared diameter: a place in the densest packing


def draw(seed: int, patches: str) -> Draw:
    return Draw(np.random.default_rng(seed), "spectral", 1.0, (patches,))  # type: ignore[arg-type]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("diameter_px", [4.0, 5.0, 9.0])
def test_as_many_cells_as_disks_of_that_diameter_pack(
    make: Callable[..., np.ndarray], diameter_px: float
) -> None:
    which = make(np.random.default_rng(1), (SIDE, SIDE), diameter_px)
    assert which.dtype == np.int32 and which.shape == (SIDE, SIDE) and which.min() >= 0
    area = SIDE**2 / len(np.unique(which))
    assert area == pytest.approx(HEXAGON * diameter_px**2, rel=0.08)  # the frame cuts some


@pytest.mark.parametrize("make", MAKERS)
def test_cells_hang_together(make: Callable[..., np.ndarray]) -> None:
    which = make(np.random.default_rng(2), (96, 96), 7.0)
    parts = [
        cv2.connectedComponents((which == cell).astype(np.uint8), connectivity=8)[0] - 1
        for cell in np.unique(which)
    ]
    assert np.mean(np.array(parts) == 1) > 0.98  # a bend may cut a brick


def test_cells_of_a_frame_that_is_not_square_fill_it() -> None:
    for make in MAKERS:
        assert make(np.random.default_rng(3), (64, 200), 5.0).shape == (64, 200)


@pytest.mark.parametrize("patches", TAUGHT)
def test_capsules_hold_pigment_of_their_own(patches: str) -> None:
    """Unit deviation, Gaussian, alike within a capsule, unlike from the next but one on."""
    diameter_px = 5.0
    white = np.ones((SIDE, SIDE), np.uint8)
    state, grain = eink._capsules(draw(4, patches), white, diameter_px)
    assert (state == 1).all()
    assert grain.mean() == pytest.approx(0, abs=1e-3)
    assert grain.std() == pytest.approx(1, abs=1e-3)
    assert abs(np.mean(grain**3)) < 0.15 and np.mean(grain**4) == pytest.approx(3, abs=0.4)
    for field in (grain, grain.T):
        assert np.mean(field[:, 1:] * field[:, :-1]) > 0.5
        for lag in (12, 15, 20, 40):
            assert abs(np.mean(field[:, lag:] * field[:, :-lag])) < 0.03


@pytest.mark.parametrize("make", MAKERS)
def test_a_capsule_is_white_or_black_as_most_of_it_should_be(
    make: Callable[..., np.ndarray],
) -> None:
    which = make(np.random.default_rng(5), (128, 128), 6.0)
    shown = np.zeros((128, 128), np.uint8)
    shown[:, 61:] = 1
    state, _ = eink._filled(draw(5, "bricks"), shown, which)
    for cell in np.unique(which):
        inside = which == cell
        assert len(np.unique(state[inside])) == 1
        assert state[inside][0] == (shown[inside].mean() > 0.5)


def test_the_judged_capsules_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are the taught ones judged."""

    def refuse(*told: object) -> None:
        raise AssertionError("not in this regime")

    def build(regime: str) -> None:
        for trigger in range(8):
            station_scene("eink", regime, side_px=64).part(trigger)

    with monkeypatch.context() as patch:
        patch.setattr(textures, "capsules", refuse)
        for regime in set(REGIMES) - {"judge"}:
            build(regime)
        with pytest.raises(AssertionError):
            build("judge")
    for name in ("spectral", *TAUGHT):
        monkeypatch.setattr(textures, name, refuse)
    build("judge")
    for regime in ("varied", "calibrate_varied"):
        with pytest.raises(AssertionError):
            build(regime)


@pytest.mark.parametrize("material", ["metal", "glass", "smd", "inductor"])
def test_nothing_but_e_ink_is_varied(material: str) -> None:
    one, other = (
        station_scene(material, regime, 3, 4, side_px=128).render(1, "inspect", 0.0)
        for regime in ("train", "varied")
    )
    np.testing.assert_array_equal(one, other)
