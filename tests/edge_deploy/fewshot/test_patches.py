"""Patches and regions: what may change about them without changing what the head is given."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.patches import Good, Surface, ink, standing_out
from edge_deploy.fewshot.regions import FEATURES, describe

pytestmark = pytest.mark.edge

GROUND = 120.0


def ground(seed: int, slope: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return GROUND + rng.normal(0, 1.5, (64, 64)) + slope * np.linspace(-1, 1, 64)


def surface(*good: np.ndarray) -> Surface:
    return Surface.of([Good.of(one) for one in good])


def line(angle: float, centre: tuple[float, float] = (32, 32)) -> np.ndarray:
    half = 18 * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple(int(v) for v in np.round(np.array(centre) + s * half)) for s in (-1, 1)]
    return cv2.line(np.zeros((64, 64), np.uint8), ends[0], ends[1], 1, 4) > 0


def eight_bits(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def streaked(seed: int) -> np.ndarray:
    """Lines down the picture, each of its own strength, some ending half-way."""
    rng = np.random.default_rng(seed)
    lines = np.repeat(40.0 * (rng.random((1, 64)) < 0.2), 64, 0)
    lines[rng.integers(64) :, ::2] *= 0.5
    return ground(seed) - lines


def test_a_good_patch_is_dark_whatever_the_light() -> None:
    y, x = np.mgrid[:64, :64] / 64
    bent = 60 * (x - 0.5) ** 2 + 30 * y**2
    for values in (ground(1), ground(2, 40.0), ground(3) + bent):
        assert not ink(eight_bits(values), Surface()).any()


def test_streaks_are_the_grounds_own_where_good_pictures_have_them() -> None:
    brushed = surface(*(eight_bits(streaked(seed)) for seed in range(3)))
    plain = surface(*(eight_bits(ground(seed)) for seed in range(3)))
    assert brushed.streaked and not plain.streaked
    new = eight_bits(streaked(9))
    assert ink(new, Surface()).any() and not ink(new, brushed).any()
    upright = eight_bits(ground(4) - 60 * line(np.pi / 2))
    assert ink(upright, plain).any(), "a scratch down the picture is none of its streaks"


@pytest.mark.parametrize("angle", [0.3, 0.9, 2.0, 2.8])
def test_a_scratch_is_the_same_in_every_direction_and_place(angle: float) -> None:
    flat = ink(eight_bits(ground(1) - 60 * line(0.0)), Surface())
    turned = ink(eight_bits(ground(2, 20.0) - 60 * line(angle, (29, 36))), Surface())
    both = np.minimum(flat, turned).sum() / np.maximum(flat, turned).sum()
    assert both > 0.6
    assert np.argmax(turned.sum(1)) in (15, 16)


def test_bright_and_dark_are_alike_and_a_ring_is_filled() -> None:
    disc = cv2.circle(np.zeros((64, 64), np.uint8), (32, 32), 12, 1, -1) > 0
    ring = cv2.circle(np.zeros((64, 64), np.uint8), (32, 32), 12, 1, 2) > 0
    pictures = [
        ink(eight_bits(ground(4) + shown), Surface())
        for shown in (60 * disc, -60 * disc, 60 * ring)
    ]
    for one in pictures[1:]:
        assert np.abs(one.astype(int) - pictures[0]).mean() < 15
    assert pictures[2][16, 16] == 255


def test_good_patches_say_how_much_must_stand_out() -> None:
    calm, spotted = eight_bits(ground(5)), eight_bits(ground(5) + 80 * line(0.5))
    assert not ink(eight_bits(ground(5) + 8 * line(0.5)), surface(calm, calm, calm)).any()
    used_to_it = surface(spotted, spotted, spotted)
    assert used_to_it.times > 5 * surface(calm, calm, calm).times
    assert ink(spotted, surface(calm, calm, calm)).any() and not ink(spotted, used_to_it).any()


def test_how_much_must_stand_out_goes_with_the_pictures_own_unevenness() -> None:
    """The same thing, in a picture as even as the good ones and in one that shines five times as
    unevenly."""
    rng = np.random.default_rng(12)
    shine = cv2.GaussianBlur(rng.normal(0, 1, (64, 64)), (0, 0), 6)
    shine *= 4.0 / shine.std()
    told = surface(*(eight_bits(ground(seed)) for seed in range(3)))
    assert ink(eight_bits(ground(9) + 30 * line(0.4)), told).any()
    assert not ink(eight_bits(ground(9) + 2 * shine), told).any()


def test_only_a_thing_that_reaches_the_limit_is_told_however_much_others_hold() -> None:
    """A wide faint shade holds more distance from the ground than a small strong spot."""
    y, x = np.mgrid[:128, :128]
    base = GROUND + np.random.default_rng(13).normal(0, 1.0, (128, 128))
    shade = 12.0 * np.exp(-((x - 40) ** 2 + (y - 60) ** 2) / (2 * 11.0**2))
    spot = 60.0 * (np.hypot(x - 100, y - 90) < 2.5)
    found = standing_out(eight_bits(base + shade + spot), Surface())
    assert found is not None
    rows, columns = np.nonzero(found)
    assert np.hypot(columns.mean() - 100, rows.mean() - 90) < 3


def test_a_thing_goes_on_below_what_tells_that_it_is_there() -> None:
    fading = np.linspace(60, 25, 64) * line(0.0)
    picture = eight_bits(ground(8) - fading)
    lax, strict = (standing_out(picture, Surface(times)) for times in (5.0, 15.0))
    assert strict is not None and lax is not None and np.array_equal(strict, lax)
    assert np.ptp(np.nonzero(strict)[1]) > 30
    assert standing_out(picture, Surface(60.0)) is None


def test_a_region_is_told_without_its_place() -> None:
    image = eight_bits(ground(6))
    mask = np.zeros((64, 64), bool)
    mask[10:20, 12:40] = True
    one = describe(image, mask).astype(int)
    assert one.shape == (FEATURES,)
    turned = describe(np.rot90(image), np.rot90(mask)).astype(int)
    assert np.abs(one - turned)[:10].max() <= 1
    assert np.abs(one[10:] - turned[:9:-1]).max() <= 1, "how far across and how far down it reaches"
    longer = mask | np.roll(mask, 20, 1)
    told = describe(image, longer).astype(int)
    assert told[1] > one[1] and abs(told[2] - one[2]) <= 1  # longer, no wider
    brighter = describe(eight_bits(image + 30.0 * mask), mask).astype(int)
    assert brighter[6] - one[6] == pytest.approx(255 * 30 / 120, abs=3)


def test_of_several_regions_the_largest_is_told_and_none_is_refused() -> None:
    image, mask = eight_bits(ground(7)), np.zeros((64, 64), bool)
    mask[30:50, 30:50] = True
    alone = describe(image, mask)
    mask[2:4, 2:4] = True
    assert np.array_equal(describe(image, mask), alone)
    with pytest.raises(EdgeError, match="mask is empty"):
        describe(image, np.zeros((64, 64), bool))
