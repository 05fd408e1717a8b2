"""The row of pace beside rnx2rtkp."""

from __future__ import annotations

import numpy as np
import pytest

from common.acceptance.hashing import content_hash
from positioning.acceptance.static import pace

pytestmark = pytest.mark.positioning

DIGEST = content_hash("pace")


def test_pace_is_of_all_turns_together_and_its_bounds_hold_those_of_single_ones() -> None:
    ours = np.array([0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2])
    told = pace(ours, 4 * ours, DIGEST)
    assert told.value == pytest.approx(4.0)
    assert told.low == pytest.approx(4.0) and told.high == pytest.approx(4.0)
    uneven = pace(ours, np.full(8, 0.6), DIGEST)
    assert uneven.value == pytest.approx(4.8 / 1.2) and uneven.n == 8
    assert uneven.low is not None and uneven.high is not None
    assert 3.0 < uneven.low < 4.0 < uneven.high < 6.0
