"""Wide lanes: the waves they have, what their integers give, and how often these are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.gnss.ambiguity.resolve import resolve
from positioning.gnss.ambiguity.wide_lane import cascade, conditioned, lanes
from positioning.gnss.satellite import FREQUENCIES_HZ, SPEED_OF_LIGHT_MPS
from tests.positioning.gnss.ambiguity.skies import covariance

pytestmark = pytest.mark.positioning

_BANDS = 3
_WAVES_M = (0.190, 0.244, 0.255)


def laid_out(satellites):
    """Links and wavelengths of ambiguities ordered as in skies.covariance: band by band."""
    count = satellites - 1
    return np.tile(np.arange(count), _BANDS), np.repeat(np.array(_WAVES_M), count)


def test_neighbours_in_wavelength_are_paired_and_singles_complete_them():
    link = np.array([7, 3, 7, 3, 7, 9])
    wave = SPEED_OF_LIGHT_MPS / np.array(
        [FREQUENCIES_HZ[name] for name in ("E1", "G1", "E5", "G2", "E7", "C1")]
    )
    rows, single = lanes(link, wave)
    assert single.tolist() == [1, 0, 5]
    assert rows.tolist() == [
        [0, 1, 0, -1, 0, 0],
        [1, 0, 0, 0, -1, 0],
        [0, 0, -1, 0, 1, 0],
    ]
    # of cycles: what moves every phase by a range r moves the combination by r / its wave
    long = 1 / np.abs(rows @ (1 / wave))
    assert long == pytest.approx([0.8619, 0.8140, 9.768], abs=1e-3)
    with_singles = np.vstack((rows, np.eye(6)[single]))
    assert abs(np.linalg.det(with_singles)) == pytest.approx(1.0)


def test_values_are_conditioned_as_by_a_measurement_without_noise():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 5))
    spread, values = root @ root.T, rng.normal(size=5)
    combination, integers = rng.integers(-2, 3, (2, 5)).astype(float), np.array([1.0, -2.0])
    given, left = conditioned(values, spread, combination, integers)
    assert combination @ given == pytest.approx(integers)
    assert np.abs(combination @ left).max() < 1e-9
    weight = np.linalg.inv(spread) + combination.T @ combination / 1e-10
    right = np.linalg.solve(spread, values) + combination.T @ integers / 1e-10
    assert given == pytest.approx(np.linalg.solve(weight, right), abs=1e-4)
    assert left == pytest.approx(np.linalg.inv(weight), abs=1e-4)


def test_what_is_believed_is_right_where_all_at_once_is_given_up():
    """Phases of 10 mm, 40 skies of 7 satellites, 5 epochs each: the true integers are nought."""
    rng = np.random.default_rng(2)
    link, wave = laid_out(7)
    rows, single = lanes(link, wave)
    told = wrong = whole = 0
    for _ in range(40):
        q = covariance(7, _BANDS, rng, phase_m=0.01)
        root = np.linalg.cholesky(q)
        for _ in range(5):
            a = root @ rng.normal(size=len(q))
            found = cascade(a, q, rows, single, most_misfit=4.0)
            told += len(found.integers) > 0
            wrong += bool(np.any(found.integers != 0))
            whole += resolve(a, q, least_count=len(q)).accepted
    assert told > 150 and whole < 20
    assert wrong <= 2


def test_nothing_is_told_of_lanes_that_do_not_fit():
    rng = np.random.default_rng(3)
    link, wave = laid_out(7)
    rows, single = lanes(link, wave)
    q = covariance(7, _BANDS, rng, phase_m=0.001)
    a = np.linalg.cholesky(q) @ rng.normal(size=len(q))
    assert len(cascade(a, q, rows, single, most_misfit=3.0).integers)
    off = a + rng.uniform(0.3, 0.45, len(a)) * (np.arange(len(a)) % 2)
    found = cascade(off, q, rows, single, most_misfit=3.0)
    assert not len(found.integers) and found.narrow is None
