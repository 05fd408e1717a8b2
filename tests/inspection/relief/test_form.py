"""Form removal: against independent least squares, under outliers and holes; its uncertainty."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import polynomial
from scipy.optimize import least_squares

from inspection.relief.form import FormError, Model, fit, robust, tukey
from tests.inspection.relief.known import PITCH, grid

pytestmark = pytest.mark.inspection

MODELS: list[tuple[Model, int]] = [("plane", 1), ("quadratic", 2), ("quartic", 4)]


def rolling(degree: int, rng: np.random.Generator, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    y, x = grid(*shape)
    table = rng.normal(0, 5, (degree + 1, degree + 1))
    table[np.add.outer(np.arange(degree + 1), np.arange(degree + 1)) > degree] = 0
    return polynomial.polyval2d(*np.broadcast_arrays(y / y.max(), x / x.max()), table)


@pytest.mark.parametrize(("model", "degree"), MODELS)
def test_on_normal_noise_it_agrees_with_plain_least_squares(model: Model, degree: int) -> None:
    rng = np.random.default_rng(degree)
    height = (rolling(degree, rng) + rng.normal(0, 0.2, (60, 80))).astype(np.float32)
    y, x = (a.ravel() for a in np.broadcast_arrays(*grid(60, 80)))
    y, x = y / y.max(), x / x.max()
    terms = [(j, i) for j in range(degree + 1) for i in range(degree + 1 - j)]
    design = np.stack([y**j * x**i for j, i in terms], 1)
    plain = height.ravel() - design @ np.linalg.lstsq(design, height.ravel(), rcond=None)[0]
    ours = fit(model, height, PITCH).residual(height, PITCH)
    assert np.abs(ours.ravel() - plain).max() < 0.06  # a fifth of the noise


@pytest.mark.parametrize(("model", "degree"), MODELS)
def test_a_quarter_of_outliers_and_holes_do_not_move_it(model: Model, degree: int) -> None:
    rng = np.random.default_rng(7 + degree)
    form = rolling(degree, rng)
    height = (form + rng.normal(0, 0.2, form.shape)).astype(np.float32)
    height[rng.random(form.shape) < 0.25] += 40
    height[rng.random(form.shape) < 0.2] = np.nan
    found = fit(model, height, PITCH)
    left = found.residual(form.astype(np.float32), PITCH)
    assert np.abs(left).max() < 0.25
    assert np.isnan(found.residual(height, PITCH)).sum() == np.isnan(height).sum()


def test_the_biweight_minimum_is_scipys() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, 400)
    z = 2 + 3 * x + rng.normal(0, 0.1, 400)
    z[:80] += rng.uniform(1, 3, 80)
    design = np.stack([np.ones(400), x], 1)
    ours, _, scale = robust(lambda c: (z - design @ c, -design), np.array([np.median(z), 0.0]))

    def root_of_loss(c: np.ndarray) -> np.ndarray:
        t = np.clip((z - design @ c) / scale / 4.685, -1, 1)
        return np.sqrt(np.maximum(1 - (1 - t**2) ** 3, 1e-16))

    theirs = least_squares(root_of_loss, ours + 0.01, xtol=1e-14, ftol=1e-14).x
    assert np.allclose(ours, theirs, atol=2e-3)
    assert np.all(tukey((z - design @ ours) / scale)[:80] < 0.05)


@pytest.mark.parametrize("turn", [0.0, 0.04, -0.05])
def test_a_cylinder_gets_its_radius_axis_and_tilt_back(turn: float) -> None:
    rng = np.random.default_rng(11)
    y, x = grid(80, 300)
    across = y * np.cos(turn) - x * np.sin(turn) - 12
    along = x * np.cos(turn) + y * np.sin(turn)
    tilt = 0.01
    true = 30 + along * np.tan(tilt) + np.sqrt(260.0**2 - across**2) / np.cos(tilt)
    height = (true + rng.normal(0, 0.5, true.shape)).astype(np.float32)
    height[20:24, 100:140] -= 25  # a scratch
    found = fit("cylinder", height, PITCH, axis_rad=0.0, radius_um=250)
    turned, tilted, _, _, radius = found.parameters  # type: ignore[attr-defined]
    assert turned == pytest.approx(turn, abs=1e-3)
    assert tilted == pytest.approx(tilt, abs=1e-3)
    assert radius == pytest.approx(260, abs=5 * np.sqrt(found.covariance[4, 4]) + 0.2)  # type: ignore[attr-defined]
    clean = found.residual(true.astype(np.float32), PITCH)
    assert np.abs(clean).max() < 0.3


@pytest.mark.parametrize("model", ["plane", "quadratic", "cylinder"])
def test_the_stated_uncertainty_is_the_spread_over_repetitions(model: Model) -> None:
    y, x = grid(50, 90)
    true = 0.01 * x + (np.sqrt(300.0**2 - y**2) if model == "cylinder" else 0.02 * y)
    true = np.broadcast_to(true, (50, 90))
    errors, told = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        height = (true + rng.normal(0, 1, true.shape)).astype(np.float32)
        found = fit(model, height, PITCH, radius_um=300)
        residual = found.residual(true.astype(np.float32), PITCH)
        errors.append(residual[[25, 3, 48], [45, 5, 80]])
        told.append([found.sigma_um(r, c, PITCH) for r, c in ((25, 45), (3, 5), (48, 80))])
    spread, stated = np.std(errors, 0), np.mean(told, 0)
    assert np.all(spread < 1.5 * stated) and np.all(spread > 0.6 * stated)


def test_too_few_points_are_refused() -> None:
    height = np.full((40, 40), np.nan, np.float32)
    height[:2, :2] = 1
    with pytest.raises(FormError, match="4 were seen"):
        fit("quadratic", height, PITCH)
