"""Defects drawn into a pattern: each changes the circuit as its kind says, by counting pieces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inspection.generate.circuit import EXTRA, Circuit
from inspection.generate.request import DefectRequest, RequestError
from inspection.methods.golden import compare
from inspection.methods.topology import KINDS
from tests.inspection.boards import golden

pytestmark = pytest.mark.inspection

MAKER, BOARD = Circuit(), golden()


def pieces(board: np.ndarray, copper: bool) -> int:
    """Connected pieces of a phase, counted by OpenCV on the whole picture."""
    phase = ((board < 128) == copper).astype(np.uint8)
    return cv2.connectedComponents(phase, connectivity=8 if copper else 4)[0] - 1


# what each kind adds to the pieces of copper and of ground
CHANGES = {
    "open": (1, None),
    "short": (-1, None),
    "mousebite": (0, 0),
    "spur": (0, 0),
    "copper": (1, 0),
    "pin-hole": (0, 1),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_the_circuit_changes_as_the_kind_says(kind: str, seed: int) -> None:
    size = {"open": 30.0, "short": 30.0, "copper": 12.0, "pin-hole": 12.0}.get(kind, 18.0)
    request = DefectRequest(kind=kind, size_px=size, severity=1.0)
    sample = MAKER.make(BOARD, request, np.random.default_rng(seed))
    copper, ground = CHANGES[kind]
    assert pieces(sample.image, True) - pieces(BOARD, True) == copper
    if ground is not None:
        assert pieces(sample.image, False) - pieces(BOARD, False) == ground
    assert (BOARD[sample.mask] == (255 if kind in EXTRA else 0)).all()
    assert ((sample.image != BOARD) == sample.mask).all()
    # and the comparison with the golden image finds it and calls it so
    found = compare(sample.image, BOARD)
    assert [KINDS[i] for i in found.kinds] == [kind]


def test_a_place_that_makes_another_kind_is_refused() -> None:
    on_copper = DefectRequest(kind="copper", size_px=12, x_px=200, y_px=120, severity=1.0)
    with pytest.raises(RequestError, match="no room for copper of 12 px at 200, 120"):
        MAKER.make(BOARD, on_copper, np.random.default_rng(1))
    pin_hole = on_copper.model_copy(update={"kind": "pin-hole"})
    sample = MAKER.make(BOARD, pin_hole, np.random.default_rng(1))
    y, x = np.argwhere(sample.mask).mean(0)
    assert np.hypot(x - 200, y - 120) < 3


def test_a_picture_without_a_pattern_has_no_room_for_an_open() -> None:
    bare = np.full((100, 100), 255, np.uint8)
    with pytest.raises(RequestError, match="no room"):
        MAKER.make(bare, DefectRequest(kind="open", size_px=20), np.random.default_rng(1))


def test_severity_is_how_far_the_level_goes() -> None:
    for severity, level in ((1.0, 0), (0.2, 102)):
        request = DefectRequest(kind="copper", size_px=14, severity=severity)
        sample = MAKER.make(BOARD, request, np.random.default_rng(3))
        assert set(np.unique(sample.image[sample.mask])) == {level}
