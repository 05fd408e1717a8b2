"""S4-D2-R4: from the camera's trigger to the bin, over Modbus TCP and OPC UA, and without a PLC.

Belt, slip, ejectors and PLC are simulated; sockets, protocols, camera driver, network and sorter
are the real ones. Where a part lands is decided by mechanics that know nothing of any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure
from common.acceptance.hashing import content_hash
from common.acceptance.measurement import Measurement, exact, not_measured, rate
from common.acceptance.statistics import n_for_zero_failures, quantile_bounds, upper_bound
from common.drivers.base import DisconnectedError
from common.errors import MissingExtraError
from inspection.acceptance import sorting_figures as figures
from inspection.acceptance.sorting_rows import (
    BACK,
    BINS,
    DEADLINE_MS,
    FIRST_EJECTOR_MS,
    LATENCIES,
    NOTICED,
    SETTINGS,
    SPEED_MM_S,
    STALL,
)
from inspection.sorting.bins import KINDS, RECHECK, Bins
from inspection.sorting.tracker import LATE

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.sorting.belt import SortingBelt
    from inspection.sim.sorting.drill import Drilled
    from inspection.sim.sorting.shift import Outage, Shift

PROTOCOLS = ("modbus", "opcua")
NOTICED_S, BACK_S = 0.5, 2.0
PLACE = Bins().lanes
QUANTILE = 0.99
BOUNDED = n_for_zero_failures(1 - QUANTILE)  # fewer parts bound no quantile so far out


@dataclass(frozen=True, slots=True)
class Size:
    """pictures: distinct parts that are really looked at. parts: on the belt in simulated time.
    troubled: the same with outages. timed: parts a protocol in real time, with `timed_pictures`
    distinct ones. drills: outages a protocol in real time."""

    pictures: int
    parts: int
    troubled: int
    timed: int
    timed_pictures: int
    drills: int


SIZES = {"quick": Size(12, 800, 400, 36, 4, 4), "full": Size(200, 20_000, 20_000, 330, 16, 60)}


@dataclass(slots=True)
class Sorted:
    """(true class, bin) -> parts; right: decided correctly; home: of those, in their own bin."""

    table: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: int = 0
    home: int = 0

    def add(self, true: str, decided: str | None, lane: int) -> None:
        """A part that landed."""
        self.table[true, Bins().name(lane)] += 1
        self.right += decided == true
        self.home += decided == true and lane == PLACE[true]

    @property
    def escaped(self) -> int:
        """Defective parts in the good bin."""
        return sum(n for (true, name), n in self.table.items() if true != "good" == name)

    @property
    def parts(self) -> int:
        """All that landed."""
        return sum(self.table.values())


def measure_bins(context: Context) -> Mapping[str, Measurement]:
    """Decisions of the shipped network, then a shift in simulated time."""
    from inspection.sim.sorting.belt import SortingBelt
    from inspection.sim.sorting.lot import decisions, lot
    from inspection.sim.sorting.shift import Shift

    size = SIZES[context.size]
    context.progress(0, size.parts, "rendering and inspecting parts")
    true, found = lot(context.seed, size.pictures).kinds, decisions(context.seed, size.pictures)
    draw = np.random.default_rng([context.seed, 3]).integers(0, size.pictures, 3 * size.parts)
    belt = SortingBelt(SETTINGS, seed=context.seed)
    shift = Shift(belt, SETTINGS, lambda part: found[draw[part]], context.seed)
    shift.run(size.parts, lambda n: context.progress(n, size.parts, "parts on the belt"))
    tally = Sorted()
    for part in belt.landed:
        if not part.fallen:
            tally.add(true[draw[part.number]], found[draw[part.number]], part.lane or 0)
    agree = sum(a == b for a, b in zip(true, found, strict=True))
    raw = sum(tally.table[kind, Bins().name(PLACE[kind])] for kind in KINDS)
    note = (
        f"Raw share, wrong decisions included: {raw} of {tally.parts}. {agree} of {size.pictures} "
        f"distinct pictures were classed right; parts on the belt show them again. "
        f"{sum(tally.table[kind, RECHECK] for kind in KINDS)} parts went to recheck, "
        f"{tally.escaped} defective ones to good. {_why_recheck(shift, belt)}"
    )
    digest = content_hash(repr((size.parts, context.seed, SETTINGS)), repr(list(zip(true, found))))  # noqa: B905
    shown = (figures.confusion(tally.table, "simulated shift, no outage"),)
    return {BINS.id: rate(tally.home, tally.right, digest, note, shown)}


def _why_recheck(shift: Shift, belt: SortingBelt) -> str:
    """What kept parts on the belt; an ejector that merely grazes a part is in no list."""
    told = dict(shift.sorter.tracker.given_up.most_common())
    told["unseen by the camera's barrier"] = sum(not part.camera for part in belt.landed)
    return f"Given up: {', '.join(f'{why} {n}' for why, n in told.items())}."


def measure_latency(context: Context) -> Mapping[str, Measurement]:
    """Trigger to order and to stroke in real time, over the sockets of each protocol."""
    rows = {}
    for protocol in PROTOCOLS:
        try:
            rows[f"S4-D2-R4/latency-{protocol}"] = _latency_of(protocol, context)
        except MissingExtraError as error:
            rows[f"S4-D2-R4/latency-{protocol}"] = not_measured(str(error))
    return rows


def _latency_of(protocol: str, context: Context) -> Measurement:
    size = SIZES[context.size]
    took, stops, late = time_parts(protocol, context, size)
    if not took:
        return not_measured("no part was sorted: the host had no time for the line")
    strokes = np.array([t[2] for t in took])
    orders = np.array([t[1] for t in took] + late * [FIRST_EJECTOR_MS])  # at the least
    p50, p99 = np.quantile(orders, [0.5, QUANTILE])
    s50, s99 = np.nanpercentile(strokes, [50, 99])
    note = (
        f"Trigger to order p50 {p50:.0f} ms, p99 {p99:.0f} ms; trigger to the ejector's sensor "
        f"p50 {s50:.0f} ms, p99 {s99:.0f} ms, which is the belt's travel of {FIRST_EJECTOR_MS:.0f} "
        f"to {1e3 * SETTINGS.lanes_mm[-1] / SPEED_MM_S:.0f} ms and the stroke. The line stopped "
        f"{stops} times because the host was late, and was reset; {late} parts had their verdict "
        f"or order too late, went to recheck and count as {FIRST_EJECTOR_MS:.0f} ms."
    )
    shown = (
        figures.timeline(took[:12], DEADLINE_MS),
        figures.latencies(protocol, took, DEADLINE_MS),
    )
    digest = content_hash(protocol, repr((size.timed, context.seed, SETTINGS)))
    return tail(orders, digest, note, shown)


def tail(
    orders: NDArray[np.float64], digest: str, note: str, shown: tuple[Figure, ...] = ()
) -> Measurement:
    """p99 of times in ms with the bounds of its order statistics, or without where they are too
    few for any: the largest of 40 lies under the true p99 twice in three times."""
    n, value = len(orders), float(np.quantile(orders, QUANTILE))
    if n < BOUNDED:
        told = f"{note} p99 has a bound from {BOUNDED} parts on; slowest of {n}: "
        return Measurement(value, None, None, n, digest, f"{told}{orders.max():.0f} ms.", shown)
    low, high = quantile_bounds(orders, QUANTILE)
    return Measurement(float(np.clip(value, low, high)), low, high, n, digest, note, shown)


def time_parts(
    protocol: str, context: Context, size: Size
) -> tuple[list[tuple[float, float, float]], int, int]:
    """(verdict, order, stroke) of each ordered part in ms after its trigger, NaN for what did not
    come; how often the line had to be reset; and how many parts were too late for an order."""
    from inspection.sim.sorting.lot import LIGHT, Classify, camera
    from inspection.sim.sorting.station import rig
    from inspection.sorting.eye import Eye
    from inspection.sorting.line import Line
    from inspection.sorting.sorter import Sorter

    with (
        camera(context.seed, size.timed_pictures) as source,
        rig(protocol, SETTINGS, context.seed) as place,  # type: ignore[arg-type]
        Eye(source, Classify(), LIGHT) as eye,
        place.plc,
    ):
        line = Line(place.plc, eye, Sorter(SETTINGS))
        journal, until = place.journal, monotonic() + 30.0 + size.timed
        while len(journal.strokes) < size.timed and monotonic() < until:
            if line.sorter.stopped:
                with suppress(DisconnectedError):  # a host that is late resets it once more
                    line.start()
            context.progress(len(journal.strokes), size.timed, f"parts over {protocol}")
            line.cycle()
        line.halt()
        judged, orders = dict(eye.judged), journal.orders.items()
        stops = len(line.sorter.tally.stops) - 1
    times = ((judged, journal.triggers[part], part, at) for part, at in orders)
    late = sum(line.sorter.tracker.given_up[why] for why in LATE)
    return [_way(*one, journal.strokes) for one in times], stops, late


def _way(
    judged: Mapping[int, float],
    triggered: float,
    part: int,
    ordered: float,
    stroked: Mapping[int, float],
) -> tuple[float, float, float]:
    ends = (judged.get(part, np.nan), ordered, stroked.get(part, np.nan))
    verdict, order, stroke = (1e3 * (end - triggered) for end in ends)
    return verdict, order, stroke


def measure_stall(context: Context) -> Mapping[str, Measurement]:
    """Outages in simulated time for the parts, and over sockets for the times."""
    from inspection.sim.sorting.belt import SortingBelt
    from inspection.sim.sorting.shift import Shift

    size, seed = SIZES[context.size], context.seed
    kinds = np.random.default_rng([seed, 7]).choice(KINDS, 4 * size.troubled, p=[0.4, 0.3, 0.3])
    outages = plan(seed, size.troubled)
    belt = SortingBelt(SETTINGS, seed=seed)
    shift = Shift(belt, SETTINGS, lambda part: str(kinds[part]), seed, outages=outages)
    shift.run(size.troubled, lambda n: context.progress(n, size.troubled, "parts with outages"))
    tally, struck = Sorted(), sum(outage.at_s < shift.now_s for outage in outages)
    for part in belt.landed:
        tally.add(str(kinds[part.number]), str(kinds[part.number]), part.lane or 0)
    drilled: list[Drilled] = []
    missing = ""
    try:
        for protocol in PROTOCOLS:
            drilled += drills(protocol, context, size, kinds, tally)
    except MissingExtraError as error:
        missing = str(error)
    digest = content_hash(repr((size, seed, SETTINGS)), repr(outages))
    return {
        STALL.id: _escapes(tally, struck + len(drilled), digest),
        **_times(drilled, missing, digest),
    }


def plan(seed: int, parts: int) -> list[Outage]:
    """Outages of every kind, 20 ms to 1 s long, at random moments of a shift of so many parts."""
    from inspection.sim.sorting.shift import Outage, Trouble

    rng, troubles, at = np.random.default_rng([seed, 5]), list(Trouble), 1.0
    planned = []
    while at < 0.6 * parts:
        at += float(rng.uniform(1.2, 3.5))
        lasts = float(rng.uniform(0.02, 1.0))
        planned.append(Outage(troubles[int(rng.integers(len(troubles)))], at, lasts))
        at += lasts
    return planned


def drills(
    protocol: str, context: Context, size: Size, kinds: np.ndarray, tally: Sorted
) -> list[Drilled]:
    """The outages of one protocol; the parts that landed meanwhile are added to the tally."""
    from inspection.sim.sorting.drill import drill

    done, landed = drill(
        protocol,  # type: ignore[arg-type]
        SETTINGS,
        context.seed,
        size.drills,
        lambda part: str(kinds[part % len(kinds)]),
        lambda n: context.progress(n, size.drills, f"outages over {protocol}"),
    )
    for kind, lane in landed:
        tally.add(kind, kind, lane)
    return done


def _escapes(tally: Sorted, outages: int, digest: str) -> Measurement:
    defective = sum(n for (true, _), n in tally.table.items() if true != "good")
    note = (
        f"{outages} outages; {tally.parts} parts, {defective} of them defective; upper 95 % bound "
        f"of the share in the good bin {upper_bound(tally.escaped, defective):.2e}. "
        f"{tally.home} parts reached their own bin, the others recheck."
    )
    shown = (figures.confusion(tally.table, "shift with outages"),)
    return exact(tally.escaped, defective, digest, note, shown)


def _times(drilled: list[Drilled], missing: str, digest: str) -> dict[str, Measurement]:
    if missing or not drilled:
        return {row.id: not_measured(missing or "no outage was drilled") for row in (NOTICED, BACK)}
    found = {}
    for row, name, limit in ((NOTICED, "noticed_s", NOTICED_S), (BACK, "back_s", BACK_S)):
        times = [getattr(one, name) for one in drilled]
        k = sum(time is not None and time <= limit for time in times)
        slowest = max((time for time in times if time is not None), default=0.0)
        told = f"slowest {slowest:.2f} s; {len(drilled)} outages over {' and '.join(PROTOCOLS)}"
        shown = (figures.outage_times(drilled, name, limit),)
        found[row.id] = rate(k, len(times), digest, told, shown)
    return found


EXPERIMENTS = (
    Experiment("sorting-bins", (BINS,), measure_bins),
    Experiment("sorting-latency", LATENCIES, measure_latency, exclusive=True),
    Experiment("sorting-stall", (STALL, NOTICED, BACK), measure_stall, exclusive=True),
)
