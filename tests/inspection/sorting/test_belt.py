"""The belt's mechanics: parts, barriers, and what a paddle sweeps off when it comes at a time."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from common.drivers.plc.config import SorterSettings
from common.drivers.plc.plant import Inputs, Outputs

pytest.importorskip("numba", reason="the simulator needs the extra sim")
from inspection.sim.sorting.belt import END, Mechanics, SortingBelt
from inspection.sim.sorting.feed import Feed, Mishaps, Parts

pytestmark = pytest.mark.inspection

SETTINGS = SorterSettings()
CALM = Mishaps(0.0, 0.0, 0.0, 0.0, 0.0)
EVEN = Feed(least_mm=100.0, more_mm=0.0, slip_mm=0.0, mishaps=CALM)
STEADY = Mechanics(wander=0.0, jitter_s=0.0, ramp_mm_s2=1e9)
ON, OFF = (True, False, False), (False, False, False)


def belt(feed: Feed = EVEN, seed: int = 0) -> SortingBelt:
    return SortingBelt(SETTINGS, feed, STEADY, seed)


def run(place: SortingBelt, seconds: float, coils: tuple[bool, ...] = OFF) -> list[Inputs]:
    return [place.step(0.002, Outputs(True, coils)) for _ in range(round(seconds / 0.002))]


def test_the_encoder_counts_travel_and_barriers_see_parts_where_they_are() -> None:
    seen = run(belt(), 2.0)
    assert seen[-1].encoder == pytest.approx(1000.0 / SETTINGS.count_mm, abs=10)
    for name, place_mm in (("camera", 0.0), ("second", SETTINGS.second_mm)):
        covered = [getattr(one, name) for one in seen]
        rises = [one.encoder * SETTINGS.count_mm
                 for one, now, before in zip(seen, covered, [False, *covered], strict=False)
                 if now and not before]  # fmt: skip
        assert np.allclose(rises, 100.0 * np.arange(1, len(rises) + 1) + place_mm, atol=1.1)
        lit = sum(covered) * 0.002 * 500.0 / len(rises)
        assert lit == pytest.approx(EVEN.part_mm, abs=5.0)  # the last may be cut off


def test_nothing_is_swept_without_a_coil() -> None:
    place = belt()
    run(place, 4.0)
    assert len(place.landed) > 5 and {part.lane for part in place.landed} == {END}


@pytest.mark.parametrize(
    ("late_mm", "lanes"), [(0.0, {1}), (4.0, {1}), (14.0, {END, 1}), (40.0, {END})]
)
def test_a_stroke_sweeps_what_is_there(late_mm: float, lanes: set[int]) -> None:
    found = set()
    for seed in range(12):
        place = belt(seed=seed)
        middle_mm = 100.0 + SETTINGS.lanes_mm[0] + EVEN.part_mm / 2 + late_mm
        run(place, (middle_mm / 500.0) - STEADY.response_s)
        run(place, 0.016, ON)
        run(place, 1.5)
        found.add(next(part.lane for part in place.landed if part.number == 0))
    assert found == lanes


def test_a_paddle_that_stays_out_sweeps_the_neighbours_too() -> None:
    place = belt()
    run(place, 0.82)
    run(place, 0.6, ON)
    assert [(part.number, part.lane) for part in place.landed] == [(0, 1), (1, 1), (2, 1)]


def test_slipping_parts_push_each_other_and_never_pass() -> None:
    mishaps = Mishaps(close=0.3, slid=0.5, missed=0.0, double=0.0, fallen=0.0)
    parts = list(islice(Parts(Feed(mishaps=mishaps), SETTINGS.second_mm, 3), 2000))
    heads = np.array([part.second[0][0] for part in parts])
    # the part behind is at its barrier later: never inside the body of the one before
    assert (np.diff(heads) >= Feed().part_mm - 1e-9).all()
    assert (np.array([part.lag_mm for part in parts]) > 20.0).any()


def test_mishaps_come_as_often_as_told() -> None:
    mishaps = Mishaps(missed=0.1, double=0.1, close=0.1, slid=0.0, fallen=0.1)
    parts = list(islice(Parts(Feed(mishaps=mishaps), SETTINGS.second_mm, 1), 4000))
    gaps = np.diff([part.head_mm for part in parts])
    shares = [
        np.mean([not part.camera for part in parts]),
        np.mean([part.fallen and not part.second for part in parts]),
        np.mean(gaps < Feed().close_mm),
        np.mean([len(part.camera) == 2 for part in parts]) / 0.9,
    ]
    assert shares == pytest.approx([0.1] * 4, abs=0.02)  # over 4 standard errors


def test_the_feed_does_not_depend_on_what_is_done_with_it() -> None:
    idle, busy = belt(Feed(), 5), belt(Feed(), 5)
    run(idle, 3.0)
    run(busy, 3.0, ON)
    first = {part.number: part.head_mm for part in idle.landed}
    second = {part.number: part.head_mm for part in busy.landed}
    both = first.keys() & second.keys()
    assert both and all(first[number] == second[number] for number in both)
