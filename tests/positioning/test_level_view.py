"""Pictures of a protection level: what is drawn has the size that is told."""

from __future__ import annotations

import numpy as np
import pytest

from positioning import level_view
from positioning.sky_map import SIDE_PX, TRUTH, Panel

pytestmark = pytest.mark.positioning


def of(panel: Panel, colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns that have a colour."""
    rows, columns = np.nonzero((panel == np.array(colour)).all(axis=2))
    return rows, columns


@pytest.mark.parametrize(("level_m", "rim_m"), [(0.3, 0.5), (0.7, 1.0), (3.0, 5.0), (90.0, 200.0)])
def test_the_ring_has_the_level_as_radius_and_the_truth_lies_where_it_is(
    level_m: float, rim_m: float
) -> None:
    panel: Panel = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    level_view.lens(panel, np.array([0.5, -0.25]) * level_m, level_m, (0, 200, 0))
    rows, columns = of(panel, level_view.LEVEL)
    radius_px = level_m / rim_m * 75
    assert np.ptp(columns) / 2 == pytest.approx(radius_px, abs=2)
    assert np.ptp(rows) / 2 == pytest.approx(radius_px, abs=2)
    across, down = of(panel, TRUTH)[::-1]
    middle = SIDE_PX - 10 - 75, 10 + 75
    assert np.median(across) - middle[0] == pytest.approx(0.5 * radius_px, abs=2)
    assert np.median(down) - middle[1] == pytest.approx(0.25 * radius_px, abs=2)


def test_a_decade_is_a_line_and_what_is_not_known_is_not_drawn() -> None:
    error_m, level_m = np.full(50, 0.1), np.full(50, 10.0)
    error_m[:10] = level_m[:10] = np.nan
    view = level_view.strip(error_m, level_m, 100)[20:]
    error, level = of(view, TRUTH), of(view, level_view.LEVEL)
    decade_px = (level_view.HEIGHT_PX - 34) / 5
    assert np.median(error[0]) - np.median(level[0]) == pytest.approx(2 * decade_px, abs=2)
    for _, columns in (error, level):
        assert columns.min() == pytest.approx(56 + 0.10 * 892, abs=3)
        assert columns.max() == pytest.approx(56 + 0.49 * 892, abs=3)
