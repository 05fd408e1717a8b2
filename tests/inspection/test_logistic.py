"""The fitted weights are the optimum of the penalised likelihood, by scipy's and by closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from inspection.methods.logistic import Logistic, fit

pytestmark = pytest.mark.inspection


def sample(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping classes of unequal size; features of very unlike scales."""
    rng = np.random.default_rng(seed)
    is_positive = rng.random(n) < 0.2
    x = rng.normal(size=(n, 3)) + is_positive[:, None] * [1.0, -0.5, 0.0]
    return x * [1e-3, 1.0, 1e4] + [5, 0, -7], is_positive


def objective(w: np.ndarray, z: np.ndarray, y: np.ndarray, prior: float) -> float:
    """Written out anew: negative log posterior, each class weighing half."""
    p = 1 / (1 + np.exp(-(z @ w[:-1] + w[-1])))
    weight = np.where(y, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    likelihood = weight * np.where(y, np.log(p), np.log1p(-p))
    return float(-likelihood.sum() + prior / 2 * w[:-1] @ w[:-1])


@pytest.mark.parametrize("prior", [0.1, 1.0, 30.0])
def test_it_is_the_optimum(prior: float) -> None:
    x, y = sample()
    found = fit(x, y, prior)
    z = (x - found.mean) / found.scale
    w = np.append(found.weights, found.bias)
    gradient = approx_fprime(w, objective, 1e-6, z, y, prior)
    assert np.abs(gradient).max() < 0.01  # of a likelihood of 200 samples
    peer = minimize(objective, np.zeros(4), (z, y, prior), method="Nelder-Mead",
                    options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000})  # fmt: skip
    assert peer.success
    assert objective(w, z, y, prior) <= peer.fun + 1e-5
    np.testing.assert_allclose(w, peer.x, atol=2e-3)


def test_symmetric_classes_are_parted_half_way_between_them() -> None:
    """Mirror images about the plane x = 3: the logit is odd about it and blind to y."""
    rng = np.random.default_rng(4)
    right = np.column_stack([rng.normal(4, 1, 80), rng.normal(0, 5, 80)])
    both = np.concatenate([right, right * [1, -1]])
    mirrored = both * [-1, 1] + [6, 0]
    found = fit(np.concatenate([both, mirrored]), np.repeat([True, False], 160))
    y = np.linspace(-20, 20, 9)
    on_plane = np.column_stack([np.full(9, 3.0), y])
    np.testing.assert_allclose(found.logit(on_plane), 0, atol=1e-3)
    step = np.array([1.0, 0.0])
    aside = found.logit(on_plane + step)
    assert (aside > 0.1).all()
    np.testing.assert_allclose(found.logit(on_plane - step), -aside, atol=1e-3)


def test_separable_classes_stay_finite_and_separated() -> None:
    x = np.concatenate([np.linspace(0, 1, 30), np.linspace(2, 3, 30)])[:, None]
    y = np.repeat([False, True], 30)
    found = fit(x, y)
    assert np.isfinite(found.packed()).all()
    assert ((found.logit(x) > 0) == y).all()
    assert np.abs(fit(x, y, prior=100.0).weights) < np.abs(found.weights)


def test_classes_weigh_the_same_however_many_there_are() -> None:
    x, y = sample()
    more = np.concatenate([x, np.tile(x[~y], (4, 1))])
    truth = np.concatenate([y, np.zeros(4 * (~y).sum(), bool)])
    plain, tilted = fit(x, y, 1e-6), fit(more, truth, 1e-6)
    np.testing.assert_allclose(plain.logit(x), tilted.logit(x), atol=0.02)


def test_a_feature_that_never_changes_says_nothing() -> None:
    x, y = sample()
    found = fit(np.column_stack([x, np.full(len(x), 7.0)]), y)
    assert found.weights[-1] == 0
    np.testing.assert_allclose(found.weights[:3], fit(x, y).weights, atol=1e-3)


def test_packing_keeps_every_bit() -> None:
    x, y = sample()
    found = fit(x, y)
    np.testing.assert_array_equal(Logistic.unpacked(found.packed()).logit(x), found.logit(x))


@pytest.mark.parametrize("only", [True, False])
def test_one_class_alone_is_refused(only: bool) -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit(np.zeros((4, 2)), np.full(4, only))
