"""GOSPA and OSPA against Stone Soup's and against closed forms."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from positioning.fusion.gospa import gospa, ospa

pytestmark = pytest.mark.positioning


def _states(points: np.ndarray) -> list[object]:
    from stonesoup.types.state import State

    now = datetime.datetime(2026, 1, 1)
    return [State(point[:, None], timestamp=now) for point in points]


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 2), (1, 5), (0, 3), (3, 0)])
def test_agrees_with_stone_soup(n: int, m: int) -> None:
    metric = pytest.importorskip("stonesoup.metricgenerator.ospametric")
    rng = np.random.default_rng([n, m])
    truth, tracks = rng.uniform(0, 8, (n, 2)), rng.uniform(0, 8, (m, 2))
    theirs, _ = metric.GOSPAMetric(c=4.0, p=2).compute_gospa_metric(_states(tracks), _states(truth))
    assert gospa(truth, tracks, 4.0).value == pytest.approx(theirs.value["distance"], abs=1e-9)
    if n and m:
        other = metric.OSPAMetric(c=4.0, p=2)
        value = other.compute_OSPA_distance(_states(tracks), _states(truth)).value
        assert ospa(truth, tracks, 4.0) == pytest.approx(value, abs=1e-9)


def test_parts_add_up_and_a_miss_costs_half_the_cutoff_power() -> None:
    truth = np.array([[0.0, 0.0], [50.0, 0.0]])
    found = gospa(truth, np.array([[1.0, 0.0], [100.0, 0.0]]), 4.0)
    assert (found.localisation, found.missed, found.false) == (1.0, 8.0, 8.0)
    assert found.value == pytest.approx(np.sqrt(17.0))
    assert found.pairs.tolist() == [[0, 0]]
