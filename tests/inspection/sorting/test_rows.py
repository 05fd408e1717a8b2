"""The sorting rows from counts that are known."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.acceptance.experiment import Context
from common.acceptance.figures import Picture, Plot
from common.acceptance.verdict import judge
from inspection.acceptance import sorting, sorting_figures
from inspection.acceptance.sorting_rows import DEADLINE_MS, FIRST_EJECTOR_MS, LATENCIES

pytest.importorskip("numba", reason="the simulator needs the extra sim")
from inspection.sim.sorting.belt import SortingBelt
from inspection.sim.sorting.drill import Drilled
from inspection.sim.sorting.feed import Feed, Mishaps
from inspection.sim.sorting.shift import Shift

pytestmark = pytest.mark.inspection

DIGEST = "0" * 64


def test_only_a_defective_part_in_the_good_bin_is_an_escape() -> None:
    tally = sorting.Sorted()
    for true, decided, lane in [
        ("good", "good", 1), ("good", "point", 2), ("point", "point", 2), ("coarse", "coarse", 0),
        ("coarse", "good", 1), ("point", "point", 1), ("good", None, 0),
    ]:  # fmt: skip
        tally.add(true, decided, lane)
    assert (tally.escaped, tally.right, tally.home, tally.parts) == (2, 4, 2, 7)
    row = sorting._escapes(tally, 5, DIGEST)
    assert (row.value, row.n) == (2, 4)


def test_times_count_what_was_late_or_never_came() -> None:
    drilled = [
        Drilled("modbus", "network cut", 0.3, 1.0),
        Drilled("modbus", "PLC stalled", 0.6, 2.5),
        Drilled("opcua", "network cut", None, None),
    ]
    found = sorting._times(drilled, "", DIGEST)
    assert [row.value for row in found.values()] == pytest.approx([1 / 3, 1 / 3])
    assert all(isinstance(row.figures[0], Plot) for row in found.values())
    assert all(row.value is None for row in sorting._times([], "why", DIGEST).values())


def test_without_the_extra_the_rows_of_sockets_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("pymodbus", "asyncua"):
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, package, None)
    small = sorting.Size(1, 10, 10, 2, 1, 1)
    monkeypatch.setitem(sorting.SIZES, "quick", small)
    found = sorting.measure_latency(Context("quick", 1, None, tmp_path))
    assert {row.value for row in found.values()} == {None}
    assert all("lingnan[plc]" in row.note for row in found.values())


def test_the_confusion_is_a_picture_with_a_row_a_class() -> None:
    shown = sorting_figures.confusion({("good", "good"): 3, ("point", "good"): 1}, "known")
    assert isinstance(shown, Picture)
    image = cv2.imdecode(np.frombuffer(shown.data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None and image.shape[0] == 4 * sorting_figures.CELL[1]


def test_the_last_moment_is_before_the_first_ejector() -> None:
    assert 0 < DEADLINE_MS < FIRST_EJECTOR_MS


def test_outages_are_planned_over_the_whole_shift_and_of_every_kind() -> None:
    planned = sorting.plan(3, 400)
    assert len({outage.trouble for outage in planned}) == 5
    assert planned == sorting.plan(3, 400)
    ends = [outage.at_s + outage.lasts_s for outage in planned]
    assert all(b.at_s > end for end, b in zip(ends, planned[1:], strict=False))


def test_a_tail_is_bounded_from_as_many_parts_on_as_it_takes() -> None:
    """0.99 ** 298 > 0.05 >= 0.99 ** 299: the largest of fewer is no 95 % bound of p99."""
    rng = np.random.default_rng(31)
    few, enough = (sorting.tail(rng.gamma(9, 5, n), DIGEST, "told.") for n in (298, 299))
    assert few.low is None and few.high is None and "299" in few.note
    assert few.value is not None and judge(LATENCIES[0], few) == "on track"
    assert enough.high is not None and judge(LATENCIES[0], enough) == "met"
    late = np.full(40, FIRST_EJECTOR_MS)
    assert judge(LATENCIES[0], sorting.tail(late, DIGEST, "")) == "not met"


def test_the_bins_row_tells_what_kept_parts_on_the_belt() -> None:
    settings = sorting.SETTINGS
    belt = SortingBelt(settings, Feed(mishaps=Mishaps(missed=0.2, close=0.2)), seed=31)
    shift = Shift(belt, settings, lambda part: "good", 31)
    shift.run(40)
    told = sorting._why_recheck(shift, belt)
    unseen = sum(not part.camera for part in belt.landed)
    assert unseen and f"unseen by the camera's barrier {unseen}" in told
    assert "crowded" in told
