"""LAMBDA beside RTKLIB's, on the same float ambiguities."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.gnss.ambiguity.decorrelation import decorrelate
from positioning.gnss.ambiguity.search import nearest
from positioning.gnss.ambiguity.wide_lane import cascade, conditioned, lanes
from tests.positioning.gnss.ambiguity.skies import covariance

pytestmark = pytest.mark.positioning
rtklib = pytest.importorskip("pyrtklib5", reason="RTKLIB is the peer: pip install pyrtklib5")


def rtklib_lambda(a, q):
    n = len(a)
    given, matrix = rtklib.Arr1Ddouble(n), rtklib.Arr1Ddouble(n * n)
    found, norms = rtklib.Arr1Ddouble(2 * n), rtklib.Arr1Ddouble(2)
    for i, value in enumerate(a):
        given[i] = float(value)
    for i, value in enumerate(q.ravel()):
        matrix[i] = float(value)
    assert getattr(rtklib, "lambda")(n, 2, given, matrix, found, norms) == 0
    return np.array([found[i] for i in range(n)]), np.array([norms[0], norms[1]])


@pytest.mark.parametrize(("satellites", "bands"), [(5, 1), (8, 2), (12, 3)])
def test_the_two_nearest_are_rtklibs(satellites, bands):
    rng = np.random.default_rng(satellites)
    for _ in range(20):
        q = covariance(satellites, bands, rng)
        a = rng.integers(-1000, 1000, len(q)) + np.linalg.cholesky(q) @ rng.normal(size=len(q))
        best, norms = rtklib_lambda(a, q)
        found = decorrelate(q)
        candidates, ours = nearest(found.transform @ a, found.upper, found.variance, 2)
        assert np.allclose(ours, norms, rtol=1e-4)
        ours_back = np.linalg.solve(found.transform, candidates[0])
        assert np.allclose(ours_back, best, rtol=0, atol=1e-5)  # both solved back by elimination
        assert np.array_equal(np.rint(ours_back), np.rint(best))


def test_wide_lanes_and_what_follows_them_are_rtklibs() -> None:
    satellites, count = 7, 6
    rows, single = lanes(np.tile(np.arange(count), 2), np.repeat((0.190, 0.244), count))
    rng = np.random.default_rng(11)
    for _ in range(20):
        q = covariance(satellites, 2, rng, phase_m=0.002)
        a = rng.integers(-1000, 1000, len(q)) + np.linalg.cholesky(q) @ rng.normal(size=len(q))
        wide, _ = rtklib_lambda(rows @ a, rows @ q @ rows.T)
        given, spread = conditioned(a, q, rows, np.rint(wide))
        narrow, _ = rtklib_lambda(given[single], spread[np.ix_(single, single)])
        found = cascade(a, q, rows, single, most_misfit=10.0, least_ratio=1.0)
        whole = np.linalg.solve(np.vstack((rows, np.eye(len(q))[single])), [*wide, *narrow])
        assert len(found.integers) >= count
        assert found.combination @ np.rint(whole) == pytest.approx(found.integers, abs=1e-6)
