"""What can be asked for, and what is refused with its reason."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from inspection.generate.canvas import settle
from inspection.generate.request import DefectRequest, RequestError

pytestmark = pytest.mark.inspection

PLAIN: dict[str, Any] = {"kind": "crack", "size_px": 20.0}


def test_json_there_and_back() -> None:
    request = DefectRequest.of(**PLAIN, x_px=3.5, y_px=8, severity=0.25, angle_deg=-30, seed=9)
    assert DefectRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"kind": "../crack"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"size_px": 1}, "size_px"),
        ({"size_px": math.nan}, "size_px"),
        ({"size_px": math.inf}, "size_px"),
        ({"severity": 0}, "severity"),
        ({"severity": 1.5}, "severity"),
        ({"angle_deg": math.nan}, "angle_deg"),
        ({"count": 0}, "count"),
        ({"seed": -1}, "seed"),
        ({"x_px": -1, "y_px": 3}, "x_px"),
        ({"x_px": 3}, "both x_px and y_px"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(RequestError, match=word):
        DefectRequest.of(**{**PLAIN, **fields})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kind": "crack"}', "null"])
def test_damaged_json(text: str) -> None:
    with pytest.raises(RequestError, match="wrong"):
        DefectRequest.from_json(text)


@settings(max_examples=60, deadline=None)
@given(
    size=some.floats(4, 60),
    seed=some.integers(0, 99),
    shape=some.tuples(some.integers(64, 90), some.integers(64, 90)),
    at_edge=some.booleans(),
)
def test_a_drawn_place_always_fits(
    size: float, seed: int, shape: tuple[int, int], at_edge: bool
) -> None:
    place = settle(
        DefectRequest(kind="x", size_px=size), shape, np.random.default_rng(seed), at_edge
    )
    height, width = shape
    sides = (
        place.x_px + 0.5,
        place.y_px + 0.5,
        width - 0.5 - place.x_px,
        height - 0.5 - place.y_px,
    )
    if at_edge:
        assert min(sides) == 0  # on the border
        assert sorted(sides)[1] >= size / 2 - 1e-9 or sorted(sides)[1] == 0
    else:
        assert min(sides) >= size / 2 - 1e-9


@pytest.mark.parametrize(
    ("x", "y", "size", "at_edge", "word"),
    [
        (5, 50, 20, False, "reaches out"),
        (50, 50, 120, False, "does not fit"),
        (50, 50, 20, True, "lies farther"),
        (4, 0, 20, True, "around a corner"),
        (300, 0, 20, True, "lies farther|corner"),
    ],
)
def test_a_place_without_room(x: float, y: float, size: float, at_edge: bool, word: str) -> None:
    request = DefectRequest(kind="x", size_px=size, x_px=x, y_px=y)
    with pytest.raises(RequestError, match=word):
        settle(request, (100, 100), np.random.default_rng(0), at_edge)
