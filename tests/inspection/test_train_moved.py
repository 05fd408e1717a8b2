"""Crops as another station takes them lie where they lay, and are softer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the extra train is not installed")

from inspection.train import fcn_moved
from inspection.train.fcn_moved import moved
from inspection.train.fcn_sensor import sensed

pytestmark = [pytest.mark.inspection, pytest.mark.train]

SIDE, LEVEL = 256, 40.0
SPOTS = ((30, 40), (128, 128), (220, 215))  # y, x


def spotted() -> np.ndarray:
    """Bright spots of 3 x 3 pixels on an even ground, in electrons/us."""
    radiance = np.full((SIDE, SIDE), LEVEL, np.float32)
    for y, x in SPOTS:
        radiance[y - 1 : y + 2, x - 1 : x + 2] = 2 * LEVEL
    return radiance


def excess(image: np.ndarray, spot: tuple[int, int]) -> np.ndarray:
    """(13, 13) about a spot, over the ground."""
    y, x = spot
    return image[y - 6 : y + 7, x - 6 : x + 7] - np.median(image)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No crop is the job's own station's."""
    monkeypatch.setattr(fcn_moved, "AT_HOME", 0.0)


@pytest.mark.usefixtures("away")
def test_what_lies_somewhere_is_seen_there() -> None:
    """The spots' centre of light over many stations, each of which is turned and shifted."""
    rng = np.random.default_rng(1)
    mean = np.mean([moved(spotted(), rng) for _ in range(60)], axis=0)
    for spot in SPOTS:
        light = np.maximum(excess(mean, spot) - 0.004, 0)
        offsets = np.mgrid[-6:7, -6:7]
        centre = (offsets * light).sum(axis=(1, 2)) / light.sum()
        np.testing.assert_allclose(centre, 0, atol=0.1)


@pytest.mark.usefixtures("away")
def test_another_station_is_softer_and_loses_no_light() -> None:
    def seen(take, seed: int) -> tuple[float, float]:  # type: ignore[no-untyped-def]
        rng = np.random.default_rng(seed)
        image = np.mean([take(spotted(), rng) for _ in range(80)], axis=0)
        spots = [excess(image, spot) / np.median(image) for spot in SPOTS]
        return float(np.mean([s.max() for s in spots])), float(np.mean([s.sum() for s in spots]))

    (peak, light), (peak_there, light_there) = seen(sensed, 2), seen(moved, 2)
    assert peak_there < 0.85 * peak
    assert light_there == pytest.approx(light, rel=0.08)


@given(seed=st.integers(0, 999))
def test_every_crop_is_whole_grey_values(seed: int) -> None:
    image = moved(spotted(), np.random.default_rng(seed))
    assert image.shape == (SIDE, SIDE) and image.dtype == np.float32
    assert image.min() >= 0 and image.max() <= 1
    np.testing.assert_allclose(image * 255, np.rint(image * 255), atol=1e-3)
    assert image[0].std() < 0.1, "the border is ground too"


def test_half_of_the_crops_are_the_stations_own() -> None:
    rng, other = np.random.default_rng(5), np.random.default_rng(5)
    alike = 0
    for _ in range(100):
        other.bit_generator.state = rng.bit_generator.state
        other.random()
        alike += np.array_equal(moved(spotted(), rng), sensed(spotted(), other))
    assert 35 <= alike <= 65
