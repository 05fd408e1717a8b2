"""The offset of radar and camera from a body that goes by, on made changes of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.acceptance.recorded_offset import changes
from positioning.fusion.sweep import Unknown, Way, find

pytestmark = pytest.mark.positioning

WAY = Way(np.arange(0, 3.5, 0.25), 60 - 20 * np.arange(0, 3.5, 0.25), np.full(14, -2.5), (2.1, 0.9))
KNOWN = Unknown((345.0, 355.0), (334.0, 338.0), (0.7, 0.8), (-0.1, 0.1))


def _change(offset_s: float) -> tuple[np.ndarray, np.ndarray]:
    """What a camera 0.75 m ahead of the radar sees of the change, stamped `offset_s` later."""
    rng = np.random.default_rng(3)
    time = np.arange(0.0, 4.0, 1 / 15)
    change = rng.exponential(1.0, (len(time), 672))
    for row, at in enumerate(time - offset_s):
        x, y = 60 - 20 * at - 0.75, -2.5
        if 2.5 < x < 70:
            edges = [336 - 350 * (y + s) / (x + e) for s in (-0.9, 0.9) for e in (-2.1, 2.1)]
            low, high = np.clip([min(edges), max(edges)], 0, 672).astype(int)
            change[row, low:high] += 6.0
    return time, change


@pytest.mark.parametrize("offset_s", [-0.4, 0.0, 0.25])
def test_finds_the_offset_within_its_interval(offset_s: float) -> None:
    found = find(*_change(offset_s), WAY, KNOWN, draws=60)
    assert found.low_s - 0.02 <= offset_s <= found.high_s + 0.02
    assert abs(found.s - offset_s) < 0.04
    assert found.high_s - found.low_s < 0.15


def test_a_camera_that_is_known_less_tells_less() -> None:
    time, change = _change(0.1)
    vague = Unknown((250.0, 450.0), (300.0, 372.0))
    wide, narrow = (find(time, change, WAY, one, draws=60) for one in (vague, KNOWN))
    assert wide.high_s - wide.low_s > narrow.high_s - narrow.low_s


def test_a_body_that_is_in_no_picture_is_told() -> None:
    time, change = _change(0.0)
    with pytest.raises(ValueError, match="too few pictures"):
        find(time + 100, change, WAY, KNOWN, draws=4)


def test_the_change_is_where_something_moved() -> None:
    still = np.full((376, 60), 90, np.uint8)
    moved = still.copy()
    moved[200:290, 20:30] = 160
    change = changes([still, moved, moved])
    assert change.shape == (2, 60)
    assert change[0, 20:30].min() > 20 > 1.0 > change[0, 45:].max()
    assert change[1].max() == 0.0
