"""Whole shifts in simulated time: whatever fails, no defective part comes to the good bin."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from common.drivers.plc.config import SorterSettings

pytest.importorskip("numba", reason="the simulator needs the extra sim")
from inspection.sim.sorting.belt import SortingBelt
from inspection.sim.sorting.feed import Feed, Mishaps
from inspection.sim.sorting.shift import Delays, Outage, Shift, Trouble
from inspection.sorting.bins import KINDS, Bins

pytestmark = pytest.mark.inspection

SETTINGS = SorterSettings()
CLASSES = np.random.default_rng(0).choice(KINDS, 10_000)
PROMPT = Delays(late=0.0, never=0.0)
NO_MISHAPS = Mishaps(0.0, 0.0, 0.0, 0.0, 0.0)


def shift(seed: int = 0, feed: Feed | None = None, **more: object) -> Shift:
    belt = SortingBelt(SETTINGS, feed or Feed(), seed=seed)
    return Shift(belt, SETTINGS, lambda part: str(CLASSES[part]), seed, **more)  # type: ignore[arg-type]


def table(done: Shift) -> Counter[tuple[str, str]]:
    bins = Bins()
    return Counter((str(CLASSES[p.number]), bins.name(p.lane or 0)) for p in done.belt.landed)


def in_a_wrong_bin(done: Shift) -> int:
    own = {("good", "good"), ("point", "rework"), ("coarse", "scrap")}
    return sum(n for key, n in table(done).items() if key not in own and key[1] != "recheck")


def test_an_undisturbed_line_sorts_every_part() -> None:
    done = shift(feed=Feed(mishaps=NO_MISHAPS), delays=PROMPT)
    done.run(80)
    assert in_a_wrong_bin(done) == 0
    # the first parts pass before the operator has started the line
    assert sum(n for (_, name), n in table(done).items() if name == "recheck") <= 3
    assert done.sorter.tally.stops == []


def test_verdicts_that_come_too_late_send_every_part_to_recheck() -> None:
    done = shift(feed=Feed(mishaps=NO_MISHAPS), delays=Delays(least_s=0.45, late=0.0, never=0.0))
    done.run(60)
    assert {name for _, name in table(done)} == {"recheck"}
    assert done.sorter.tally.orders == 0


@pytest.mark.parametrize("late_s", [0.2, 0.35, 0.6])
def test_late_verdicts_never_bring_a_part_into_a_wrong_bin(late_s: float) -> None:
    done = shift(seed=3, delays=Delays(late=0.5, late_s=late_s, never=0.1))
    done.run(80)
    assert in_a_wrong_bin(done) == 0
    assert table(done)["good", "good"] > 6


@pytest.mark.parametrize("mishap", ["missed", "double", "close", "slid", "fallen"])
def test_mishaps_on_the_belt_bring_no_part_into_a_wrong_bin(mishap: str) -> None:
    often = Mishaps(**{**dict.fromkeys(Mishaps.__slots__, 0.0), mishap: 0.25})
    done = shift(seed=4, feed=Feed(mishaps=often), delays=PROMPT)
    done.run(80)
    assert in_a_wrong_bin(done) == 0
    assert sum(n for (_, name), n in table(done).items() if name != "recheck") > 20


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("lasts_s", [0.03, 0.19, 0.6])
def test_no_outage_brings_a_part_into_a_wrong_bin(trouble: Trouble, lasts_s: float) -> None:
    rng = np.random.default_rng([int(1000 * lasts_s)])
    outages = [Outage(trouble, 1.0 + 1.7 * k + float(rng.random()), lasts_s) for k in range(6)]
    done = shift(seed=5, outages=outages)
    done.run(60)
    assert in_a_wrong_bin(done) == 0
    assert table(done)["good", "good"] >= 3  # it runs again in between


@pytest.mark.parametrize("trouble", [t for t in Trouble if t is not Trouble.RESTART])
def test_a_long_outage_stops_the_line_until_it_is_reset(trouble: Trouble) -> None:
    done = shift(outages=[Outage(trouble, 1.0, 0.5)], reset_s=1e9)
    done.sorter.step(None, [], 0.0)
    done._stopped_s = -2e9  # the operator starts the line once, and then is gone
    with pytest.raises(RuntimeError, match="the line stands"):
        done.run(6)
    travelled = [done.machine.status() for _ in range(2) if done.cycle() is None]
    assert done.sorter.stopped
    assert (travelled[0][9:11] == travelled[1][9:11]).all()  # the encoder's words


def test_without_confirmation_at_the_second_barrier_there_would_be_escapes() -> None:
    """The guard is needed: with a wide tolerance and no clearance, slipping parts are mixed up."""
    careless = SorterSettings(tolerance_mm=60.0, clearance_mm=1.0, longest_mm=90.0)
    often = Feed(mishaps=Mishaps(missed=0.1, double=0.0, close=0.2, slid=0.3, fallen=0.1))
    belt = SortingBelt(careless, often, seed=6)
    done = Shift(belt, careless, lambda part: str(CLASSES[part]), 6, PROMPT)
    done.run(100)
    assert in_a_wrong_bin(done) > 0
