"""Room light that drifts and flickers is taken out; noise and saturation are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drivers.camera import sensor
from common.drivers.camera.config import SensorModel
from inspection.imaging.ambient import Timed, combination, difference
from inspection.imaging.noise import Estimate, NoiseModel, Shot
from inspection.imaging.strobed import Recipe, differenced_frame, strobe_exposure_us

pytestmark = pytest.mark.inspection

SHAPE = (8, 9)


def exact(value: np.ndarray, time_s: float, sigma: float = 1.0) -> Timed:
    saturated = np.zeros(value.shape, bool)
    return Timed(
        Estimate(value.astype(np.float32), np.full(value.shape, sigma, np.float32), saturated),
        time_s,
    )


@given(
    drift=st.floats(-5, 5),
    phase=st.floats(0, 6.28),
    depth=st.floats(0, 0.5),
    start=st.floats(0, 1000),
)
def test_drift_and_flicker_cancel_whatever_their_place(
    drift: float, phase: float, depth: float, start: float
) -> None:
    """Two lamps on other phases over other places; the strobe's own light comes back."""
    rng = np.random.default_rng(1)
    strobe, lamp, other = rng.uniform(1, 10, (3, *SHAPE))

    def room(t: float) -> np.ndarray:
        angle = 2 * np.pi * 100 * (t - start)
        return lamp * (1 + depth * np.cos(angle + phase) + drift * (t - start)) + other * (
            1 + depth * np.cos(angle + phase + 2)
        )

    times = start + 1.3e-3 * np.arange(14)
    dark = [exact(room(t), t) for t in times[::2]]
    strobed = [exact(strobe + room(t), t) for t in times[1::2]]
    found = difference(strobed, dark, 100.0)
    np.testing.assert_allclose(found.value, strobe, atol=2e-3)


def test_without_the_flicker_in_the_model_it_stays_in_the_picture() -> None:
    lamp = np.full(SHAPE, 100.0)
    times = 1.3e-3 * np.arange(9)
    light = 1 + 0.3 * np.cos(2 * np.pi * 100 * times)
    dark = [exact(lamp * b, t) for b, t in zip(light[::2], times[::2], strict=True)]
    strobed = [exact(lamp * light[1], times[1])]
    assert np.abs(difference(strobed, dark, None).value).mean() > 1.0
    assert np.abs(difference(strobed, dark, 100.0).value).max() < 1e-3


def test_sigma_is_what_many_noisy_runs_show() -> None:
    rng = np.random.default_rng(2)
    times = 1.3e-3 * np.arange(12)
    runs = []
    for _ in range(400):
        noisy = [exact(rng.normal(5.0, 1.0, SHAPE), t) for t in times]
        found = difference(noisy[1::2], noisy[::2], 100.0)
        runs.append(found.value)
    assert np.std(runs) == pytest.approx(float(found.sigma.mean()), rel=0.02)


def test_one_dark_exposure_is_a_plain_difference() -> None:
    weights = combination([0.1, 0.2], [0.0], None)
    np.testing.assert_allclose(weights, 1.0)
    assert combination([0.15], [0.1, 0.2], None)[0] == pytest.approx([0.5, 0.5])


def test_saturated_pixels_are_flagged_and_as_bright_as_can_be() -> None:
    noise = NoiseModel(0.4, 4.0, 32.0, 3900.0)
    dark = Shot(np.full(SHAPE, 100, np.uint16), 100.0)
    lit = np.full(SHAPE, 1000, np.uint16)
    lit[2, 3] = 4095
    recipe = Recipe(100.0, 0.0253, 2.0)
    frame, radiance = differenced_frame([Shot(lit, 100.0, 0.01)], [dark], noise, recipe)
    assert radiance.saturated.sum() == 1 and radiance.saturated[2, 3]
    assert frame[2, 3] == 255
    assert frame[0, 0] == round(900 / 0.4 * 0.0253 + 2)


def test_the_recipes_frame_is_what_its_own_camera_shows() -> None:
    """Room light of three times the strobe, differenced, against an 8-bit exposure without any."""
    rng = np.random.default_rng(5)
    taught = SensorModel(blur_sigma_px=0.0)
    model = SensorModel(bits=12, black_level_dn=32.0, blur_sigma_px=0.0)
    light = rng.uniform(5, 60, (80, 80)).astype(np.float32)
    room = np.full_like(light, 100.0)
    noise = NoiseModel(sensor.system_gain(model, 0.0), 4.0, 32.0, 3900.0)

    def shots(picture: np.ndarray) -> list[Shot]:
        frames = [sensor.expose(picture, 40.0, 0.0, model, rng) for _ in range(30)]
        return [Shot(frame, 40.0) for frame in frames]

    recipe = Recipe(100.0, sensor.system_gain(taught, 0.0), taught.black_level_dn)
    strobed = [Shot(s.frame, 40.0, 0.002 * i) for i, s in enumerate(shots(light + room))]
    dark = [Shot(s.frame, 40.0, 0.002 * i + 0.001) for i, s in enumerate(shots(room))]
    frame, radiance = differenced_frame(strobed, dark, noise, recipe)
    assert not radiance.saturated.any()
    wanted = np.mean([sensor.expose(light, 100.0, 0.0, taught, rng) for _ in range(60)], axis=0)
    assert np.abs(frame.astype(float).mean() - wanted.mean()) < 0.5
    assert np.std(frame - wanted) < 2.0


def test_too_few_dark_exposures_are_refused() -> None:
    one = [exact(np.ones(SHAPE), 0.0)]
    with pytest.raises(ValueError, match="without"):
        difference(one, [])
    with pytest.raises(ValueError, match="take 4"):
        combination([0.0], [0.0, 0.001, 0.002], 100.0)
    with pytest.raises(ValueError, match="spread"):
        combination([0.0], [0.0, 0.01, 0.02, 0.03, 0.04], 100.0)


@given(st.floats(1, 1000), st.floats(0.1, 1e5))
def test_the_recipes_scale_fits_on_top_of_the_room_light(recipe_us: float, room_us: float) -> None:
    """In that time both together fill the well that either fills in its own."""
    time_us = strobe_exposure_us(Recipe(recipe_us, 0.0253, 2.0), room_us)
    assert time_us / recipe_us + time_us / room_us == pytest.approx(1.0)
