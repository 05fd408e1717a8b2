"""LAMBDA against brute force, Monte Carlo, its own identities and RTKLIB's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from positioning.gnss.ambiguity.acceptance import (
    FAILURE,
    required_ratio,
    simulated_ratio,
    with_failure,
)
from positioning.gnss.ambiguity.decorrelation import decorrelate
from positioning.gnss.ambiguity.errors import AmbiguityError
from positioning.gnss.ambiguity.resolve import resolve
from positioning.gnss.ambiguity.search import nearest
from positioning.gnss.ambiguity.success import bootstrapped
from tests.positioning.gnss.ambiguity.skies import covariance, unimodular

pytestmark = pytest.mark.positioning

SEED = st.integers(0, 2**32 - 1)


def brute(a, q, count, reach):
    """The nearest integer vectors in a box around the rounded float one, and their norms."""
    inverse = np.linalg.inv(q)
    boxes = itertools.product(range(-reach, reach + 1), repeat=len(a))
    candidates = np.rint(a) + np.array(list(boxes))
    gaps = candidates - a
    norms = np.einsum("ij,jk,ik->i", gaps, inverse, gaps)
    order = np.argsort(norms)[:count]
    return candidates[order], norms[order]


def exact_determinant(matrix):
    """Of a matrix of integers, in integers of any length (Bareiss 1968)."""
    rows, sign, last = [[int(v) for v in row] for row in matrix], 1, 1
    for k in range(len(rows) - 1):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return 0
        if pivot != k:
            rows[k], rows[pivot], sign = rows[pivot], rows[k], -sign
        for i in range(k + 1, len(rows)):
            for j in range(k + 1, len(rows)):
                rows[i][j] = (rows[i][j] * rows[k][k] - rows[i][k] * rows[k][j]) // last
        last = rows[k][k]
    return sign * rows[-1][-1]


@given(SEED, st.integers(1, 24))
@settings(max_examples=60)
def test_decorrelation_is_unimodular_and_keeps_the_covariance(seed, n):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n)) * 10.0 ** rng.uniform(-2, 2, n)
    q = root @ root.T + 1e-6 * np.eye(n)
    found = decorrelate(q)
    assert np.array_equal(found.transform, np.rint(found.transform))
    assert abs(exact_determinant(found.transform)) == 1
    again = found.upper @ np.diag(found.variance) @ found.upper.T
    size = np.abs(found.transform)
    rounding = 1e-13 * len(q) * (size @ np.abs(q) @ size.T).max()  # large terms that cancel
    assert np.abs(found.transform @ q @ found.transform.T - again).max() < rounding


@given(SEED, st.integers(4, 20), st.integers(1, 3))
@settings(max_examples=30)
def test_decorrelation_never_loses_success(seed, satellites, bands):
    q = covariance(satellites + 1, bands, np.random.default_rng(seed))
    plain = np.linalg.cholesky(q)
    assert bootstrapped(decorrelate(q).variance) >= bootstrapped(np.diag(plain) ** 2) - 1e-12


@given(SEED, st.integers(1, 3))
@settings(max_examples=60)
def test_search_finds_what_brute_force_finds(seed, n):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n)) + 1.5 * np.eye(n)
    q = root @ root.T * rng.uniform(0.05, 1) + 0.05 * np.eye(n)
    a = rng.uniform(-50, 50, n)
    found = decorrelate(q)
    candidates, norms = nearest(found.transform @ a, found.upper, found.variance, 4)
    _, expected = brute(a, q, 4, 14 if n < 3 else 9)
    assert np.allclose(norms, expected, rtol=1e-7, atol=1e-9)
    back = np.linalg.solve(found.transform, candidates.T).T
    gaps = np.rint(back) - a
    assert np.allclose(back, np.rint(back), atol=1e-8)
    assert np.allclose(np.einsum("ij,jk,ik->i", gaps, np.linalg.inv(q), gaps), norms, rtol=1e-6)


@given(SEED, st.integers(6, 14), st.integers(1, 3))
@settings(max_examples=40)
def test_the_answer_does_not_depend_on_the_parametrisation(seed, satellites, bands):
    rng = np.random.default_rng(seed)
    q = covariance(satellites, bands, rng)
    truth = rng.integers(-10_000, 10_000, len(q)).astype(float)
    a = truth + np.linalg.cholesky(q) @ rng.normal(size=len(q))
    other = unimodular(len(q), rng)
    covariances = q, other @ q @ other.T
    norms = []
    for floats, covariance_of in zip((a, other @ a), covariances, strict=True):
        found = decorrelate(covariance_of)
        z = found.transform @ floats
        norms.append(nearest(z - np.rint(z), found.upper, found.variance, 2)[1])
    assert np.allclose(*norms, rtol=1e-4)
    first = resolve(a, q, least_success=0.0)
    second = resolve(other @ a, covariances[1], least_success=0.0)
    whole = [r.resolved() for r in (first, second) if r.accepted]
    if len(whole) == 2 and all(w is not None for w in whole):  # which part is left out may differ
        assert np.array_equal(other @ whole[0], whole[1])


@pytest.mark.parametrize(("satellites", "bands"), [(6, 1), (9, 2)])
def test_bootstrapped_success_is_what_bootstrapping_does(satellites, bands):
    rng = np.random.default_rng(5)
    found = decorrelate(covariance(satellites, bands, rng))
    variance = with_failure(found.upper, found.variance, 0.3)
    n, samples = len(variance), 40_000
    floats = (rng.normal(size=(samples, n)) * np.sqrt(variance)) @ found.upper.T
    gap, right = np.zeros((samples, n)), np.ones(samples, bool)
    for k in range(n - 1, -1, -1):  # sequential rounding, written anew
        conditional = floats[:, k] + gap[:, k + 1 :] @ found.upper[k, k + 1 :]
        gap[:, k] = np.rint(conditional) - conditional
        right &= np.rint(conditional) == 0
    expected = bootstrapped(variance)
    assert abs(right.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / samples)


@pytest.mark.parametrize(
    ("satellites", "bands", "failure"), [(9, 1, 0.05), (5, 2, 0.1), (9, 2, 0.1)]
)
def test_the_asked_ratio_keeps_the_failure_rate_under_a_sky_it_was_not_made_from(
    satellites, bands, failure
):
    rng = np.random.default_rng(77)
    found = decorrelate(covariance(satellites, bands, rng))
    variance = with_failure(found.upper, found.variance, failure)
    samples = 20_000
    needed, failing = simulated_ratio(found.upper, variance, samples, rng)
    assert failing <= failure * 1.1  # bootstrapping fails at least as often as least squares
    assert required_ratio(len(variance), failure) >= 0.8 * needed
    assert needed >= 1.0 and samples * FAILURE >= 20


def test_what_cannot_be_trusted_is_left_out():
    rng = np.random.default_rng(3)
    q = covariance(10, 2, rng, phase_m=0.001)
    n = len(q)
    wide = np.zeros((n + 1, n + 1))
    wide[:n, :n], wide[n, n] = q, 400.0
    truth = rng.integers(-500, 500, n + 1).astype(float)
    noise = np.append(np.linalg.cholesky(q) @ rng.normal(size=n), 13.3)
    found = resolve(truth + noise, wide)
    assert found.accepted and len(found.integers) == n and found.resolved() is None
    assert np.array_equal(found.combination @ truth, found.integers)


def test_noise_without_integers_is_not_fixed():
    rng = np.random.default_rng(8)
    q = covariance(8, 1, rng, phase_m=0.003)
    accepted = sum(resolve(rng.uniform(-5, 5, len(q)), q).accepted for _ in range(200))
    assert accepted == 0


@pytest.mark.parametrize(
    ("q", "what"),
    [
        (np.ones((2, 3)), "square"),
        (np.array([[1.0, 0.0], [0.0, np.nan]]), "finite"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "positive definite"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
    ],
)
def test_what_is_no_covariance_is_refused(q, what):
    with pytest.raises(AmbiguityError, match=what):
        decorrelate(q)
