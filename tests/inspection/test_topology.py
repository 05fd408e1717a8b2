"""The six kinds follow from what a difference touches, wherever it lies and however it is turned.

A board is drawn, a defect painted in; what kind it is was decided by the drawing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspection.methods.difference import regions
from inspection.methods.topology import KINDS, contacts, kind

pytestmark = pytest.mark.inspection

U8 = NDArray[np.uint8]
# kind -> x0, x1 of the defect, its height, and whether it is copper; traces lie at 20..40, 60..80
SHAPES = {
    "open": (20, 40, 8, 0),
    "short": (40, 60, 8, 1),
    "mousebite": (34, 40, 10, 0),
    "spur": (40, 47, 10, 1),
    "copper": (100, 110, 10, 1),
    "pin-hole": (130, 140, 10, 0),
}
# extra copper is missing ground: what each kind becomes when the two phases change places
INVERTED = {
    "open": "short",
    "short": "open",
    "mousebite": "spur",
    "spur": "mousebite",
    "copper": "pin-hole",
    "pin-hole": "copper",
}
SYMMETRIES: tuple[Callable[[U8], U8], ...] = tuple(
    lambda image, turns=turns, flip=flip: np.ascontiguousarray(
        np.rot90(image.T if flip else image, turns)
    )
    for turns in range(4)
    for flip in (False, True)
)


def board() -> U8:
    """(160, 160), 1 on copper: two traces and a pad."""
    copper = np.zeros((160, 160), np.uint8)
    copper[:, 20:40] = copper[:, 60:80] = 1
    copper[10:150, 120:150] = 1
    return copper


def defective(word: str, top: int) -> U8:
    x0, x1, height, level = SHAPES[word]
    copper = board()
    copper[top : top + height, x0:x1] = level
    return copper


def kinds(part: U8, golden: U8) -> list[str]:
    return [kind(r.extra, contacts(r, part, golden)) for r in regions(part, golden)]


def test_there_are_six_kinds_and_inverting_twice_changes_none() -> None:
    assert set(SHAPES) == set(INVERTED) == set(KINDS)
    assert all(INVERTED[INVERTED[word]] == word for word in KINDS)


@pytest.mark.parametrize("word", KINDS)
@settings(deadline=None, max_examples=25)
@given(top=st.integers(24, 126), turned=st.sampled_from(SYMMETRIES))
def test_kind_is_the_same_anywhere_and_turned_or_flipped(
    word: str, top: int, turned: Callable[[U8], U8]
) -> None:
    assert kinds(turned(defective(word, top)), turned(board())) == [word]


@pytest.mark.parametrize("word", KINDS)
@settings(deadline=None, max_examples=25)
@given(top=st.integers(24, 126))
def test_exchanging_the_phases_exchanges_the_kinds(word: str, top: int) -> None:
    assert kinds(1 - defective(word, top), 1 - board()) == [INVERTED[word]]


@pytest.mark.parametrize("word", KINDS)
def test_the_box_is_that_of_what_was_painted(word: str) -> None:
    x0, x1, height, level = SHAPES[word]
    (found,) = regions(defective(word, 60), board())
    assert found.box_px == (x0, 60, x1, 60 + height)
    assert found.extra == bool(level)
    assert found.mask.all() and found.mask.shape == (height, x1 - x0)


def test_equal_images_show_nothing() -> None:
    assert regions(board(), board()) == []


def test_an_edge_a_pixel_off_is_no_region() -> None:
    """Traces etched one pixel wider differ along their whole length, and nowhere in depth."""
    wider = board()
    wider[:, 40] = 1
    assert regions(wider, board()) == []


@settings(deadline=None, max_examples=30)
@given(st.permutations(KINDS), st.integers(1, 6))
def test_several_defects_are_each_told(words: list[str], count: int) -> None:
    chosen = words[:count]
    part = board()
    for word in chosen:
        x0, x1, height, level = SHAPES[word]
        top = 30 + 18 * KINDS.index(word)
        part[top : top + height, x0:x1] = level
    assert sorted(kinds(part, board())) == sorted(chosen)
