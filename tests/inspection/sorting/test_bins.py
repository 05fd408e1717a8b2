"""Classes to bins: what is not known goes nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.types.detections import Detections
from inspection.methods.base import Finding
from inspection.pipeline import Inspection, Region
from inspection.sorting.bins import KINDS, RECHECK, Bins, kind_of

pytestmark = pytest.mark.inspection


def inspected(is_defective: bool, *sizes_um: float | None) -> Inspection:
    score = 1.0 if is_defective else 0.0
    none = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, int), ())
    regions = tuple(Region("defect", score, (0, 0, 1, 1), size) for size in sizes_um)
    return Inspection(is_defective, score, 0.5, regions, Finding(score, 0.5, None, none))


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (inspected(False), "good"),
        (inspected(False, 80.0), "good"),  # a candidate under the threshold
        (inspected(True, 80.0), "point"),
        (inspected(True, 80.0, 560.0), "coarse"),
        (inspected(True), None),
        (inspected(True, None), None),
    ],
)
def test_the_class_of_a_result(result: Inspection, kind: str | None) -> None:
    assert kind_of(result) == kind


@given(st.one_of(st.none(), st.text().filter(lambda word: word not in KINDS)))
def test_what_is_not_a_class_has_no_lane(kind: str | None) -> None:
    assert Bins().lane(kind) is None


def test_every_class_has_a_bin_of_its_own_and_none_is_the_belts_end() -> None:
    names = [Bins().name(Bins().lane(kind) or 0) for kind in KINDS]
    assert len(set(names)) == len(KINDS) and RECHECK not in names
    assert {Bins().name(lane) for lane in (0, -1, 4, 99)} == {RECHECK}
