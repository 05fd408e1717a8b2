"""A job taught on simulated station A and moved to B and to D: misses, false alarms, minutes.

All stations see the same parts. B differs from A as one machine of a maker does from another: 12.5
um a pixel instead of 10, a lens half again as soft on the part, 0.4 % radial distortion, 15 %
vignetting, 3 dB more gain, another black level, lamps that are turned by 6 degrees, 2 degrees
higher and unequal by a fifth, and another pose. D strains the move: 14 um a pixel, nearly twice as
soft, 0.6 % radial distortion, 25 % vignetting, 4 dB less gain, another black level, twice the read
noise, lamps that are turned by 17 degrees, 4 degrees higher, unequal by a third and of another
colour, and another pose; a job that is not adapted misses points there. Its coaxial lamp leans by 4
degrees, B's by 2, and a move refuses a lamp that the target's mirror shows so dim: it is levelled
to half a degree then, as a person would, and the move made once more.

Every material is tried. A side lamp that is turned throws other shadows of chips, and light of
another colour shows a print otherwise: where no threshold keeps both rates, such a job is to be
refused; it is told whether it is good parts or defects that are shown otherwise, and counts as not
moved.

The move uses known defects of A, one picture of the target and ten good parts of D, up to thirty
where it asks for more, and no defect of D; its result is judged on other parts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture, Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Comparator, Indicator
from common.acceptance.measurement import Measurement, exact, not_measured, rate
from common.acceptance.statistics import n_for_zero_failures, upper_bound
from common.drivers.recorder import Recorder
from common.drivers.registry import create, open_driver
from inspection.job import Job
from inspection.migrate.errors import MigrationError
from inspection.models.fcn import Fcn
from inspection.models.shipped import network
from inspection.overlay import jpeg
from inspection.pipeline import Inspection, Pipeline

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.moving import Batch, Frame, Move, Outcome

MATERIALS = ("metal", "glass", "glaze", "plastic", "eink", "inductor", "smd")
STATIONS = {"D": "", "B": "-b"}  # and what is put to the names of its rows
WAYS = ("A", "raw", "adapted")
CYCLE_S = 10.0  # a person lays a part or the target in, by hand, and takes its picture
LEVEL_S = 180.0  # a person turns the coaxial lamp over the target's mirror
MISS, FALSE_CHANGE, MINUTES = 0.003, 0.002, 15.0
REPLAYED = 2
GUIDE = "机台作业迁移及快速复现"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Parts a material: known ones with defects on A, judged ones with defects, good. A part has
    49 points on a whole field, as many a square millimetre on a smaller one.
    field: share of each side of 10.2 mm that the cameras see."""

    known: int
    defective: int
    good: int
    field: float


SIZES = {"quick": Numbers(8, 8, 4, 0.5), "full": Numbers(21, 8, 512, 1.0)}
ENOUGH = n_for_zero_failures(FALSE_CHANGE)


@dataclass(slots=True)
class Trial:
    """One material on one station. refused: why it was not moved."""

    material: str
    here: str = "D"
    defective: dict[str, Outcome] = field(default_factory=dict)
    good: dict[str, Outcome] = field(default_factory=dict)
    move: Move | None = None
    refused: str = ""
    views: tuple[NDArray[np.uint8], ...] = ()
    same: int = 0


class AtHome:
    """A material's job on station A, and what is judged by it there."""

    def __init__(self, material: str, numbers: Numbers, seed: int) -> None:
        from inspection.methods.segment import Segment

        model, self.threshold = network(material)
        self.material, self.numbers = material, numbers
        self.method, self.net = Segment(model.payload, self.threshold), Fcn(model.payload)
        self._base = 5_000_000 + 10_000 * seed + 1_000 * MATERIALS.index(material)
        self._judged: dict[bool, tuple[Outcome, Frame]] = {}

    def batch(self, number: int, parts: int, has_defects: bool = False) -> Batch:
        """Parts of one of the material's draws."""
        from inspection.sim.moving import Batch

        return Batch(self.material, self._base + number, parts, has_defects, self.numbers.field)

    def judging(self, has_defects: bool) -> Batch:
        """The parts that are judged, with defects or without."""
        parts = self.numbers.defective if has_defects else self.numbers.good
        return self.batch(3 + has_defects, parts, has_defects)

    @cached_property
    def job(self) -> Job:
        """What is moved."""
        from inspection.sim.moving import taught

        known = self.batch(0, self.numbers.known, has_defects=True)
        return taught(self.method, self.threshold, known, self._base + 1)

    def judged(self, has_defects: bool) -> tuple[Outcome, Frame]:
        """The parts on A, and the first one's frame; once for all stations."""
        from inspection.sim.moving import Outcome

        if has_defects not in self._judged:
            frames: list[Frame] = []
            found = Outcome.empty(self.threshold)
            batch = self.judging(has_defects)
            for part, frame in enumerate(batch.shots("A")):
                found.add(self.net.logits(frame), batch.truth("A", part, on_drawing=True))
                frames = frames or [frame]
            self._judged[has_defects] = found, frames[0]
        return self._judged[has_defects]


def measure(context: Context) -> Mapping[str, Measurement]:
    """All rows."""
    numbers, total = SIZES[context.size], len(STATIONS) * len(MATERIALS)
    trials: dict[str, list[Trial]] = {here: [] for here in STATIONS}
    for material in MATERIALS:
        home = AtHome(material, numbers, context.seed)
        for here in STATIONS:
            done = sum(map(len, trials.values()))
            context.progress(done, total, f"{material}, moving a job to {here}")
            trials[here].append(trial(home, here))
    found: dict[str, Measurement] = {}
    for here, suffix in STATIONS.items():
        digest = content_hash("migration", here, repr(numbers), repr(MATERIALS), context.seed)
        found |= {f"{i}{suffix}": one for i, one in rows(trials[here], digest).items()}
    return {row.id: found[row.id] for row in INDICATORS}


def trial(home: AtHome, here: str) -> Trial:
    """Move the job, judge the same unseen parts on A and on the station, raw and adapted."""
    from inspection.sim.moving import GOOD_PARTS, Outcome, move

    found = Trial(home.material, here)
    try:
        found.move = made = move(home.job, here, home.batch(2, GOOD_PARTS))
    except MigrationError as error:
        found.refused = str(error)
        return found
    for has_defects in (True, False):
        batch = home.judging(has_defects)
        at_home, first = home.judged(has_defects)
        raw = Outcome.empty(home.threshold)
        adapted = Outcome.empty(made.migration.job.threshold["value"])
        # the station as it was found, and as the job was moved to
        as_found = batch.shots(here, 0.0 if made.rig != here else made.gain_db)
        pairs = zip(as_found, batch.shots(made.rig, made.gain_db), strict=True)
        for part, (before, taken) in enumerate(pairs):
            after = made.migration.adapter(taken)
            raw.add(home.net.logits(before), batch.truth(here, part, on_drawing=False))
            adapted.add(home.net.logits(after), batch.truth(here, part, on_drawing=True))
            if part == 0 and has_defects:
                found.views = (first, before, after)
        ways = dict(zip(WAYS, (at_home, raw, adapted), strict=True))
        if has_defects:
            found.defective = ways
        else:
            found.good = ways
    found.same = replayed(made, home.batch(5, REPLAYED, has_defects=True))
    return found


def replayed(made: Move, batch: Batch) -> int:
    """How many of the batch's recorded frames are judged alike by the moved job, live and replayed:
    the score's bits, every region, and the whole map."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "moved.job"
        made.migration.job.save(path)
        tape = Path(folder) / "tape.mcap"
        with open_driver(batch.camera(made.rig)) as source, Recorder(tape) as recorder:
            live = Pipeline(Job.load(path).method())
            tee = recorder.tee(source)
            first = [live.step(tee.read(timeout_s=60.0)).value for _ in range(batch.parts)]
        again = Pipeline(Job.load(path).method())
        replay = create({"kind": "camera", "type": "replay", "path": str(tape), "pace": "fast"})
        with replay as source:
            second = [again.step(source.read(timeout_s=60.0)).value for _ in range(batch.parts)]
    return sum(
        a.score == b.score and a.regions == b.regions and np.array_equal(map_of(a), map_of(b))
        for a, b in zip(first, second, strict=True)
    )


def before(moved: list[Trial]) -> str:
    """What the job loses on the new station as it is."""
    missed = sum(one.defective["raw"].missed for one in moved)
    n = sum(len(one.defective["raw"].scores) for one in moved)
    return f"unadapted it misses {missed} of {n} ({missed / n:.1%}) there"


def map_of(judged: Inspection) -> NDArray[np.float32]:
    """The network's whole map; it has one of every frame."""
    assert judged.finding.score_map is not None
    return judged.finding.score_map


def rows(trials: list[Trial], digest: str) -> dict[str, Measurement]:
    """Measurements of one station, by the indicator ids of D."""
    moved = [one for one in trials if one.move is not None]
    taken = exact(len(moved) / len(trials), len(trials), digest, "; ".join(map(told, trials)))
    if not moved:
        reason = "refused: " + "; ".join(f"{t.material}: {t.refused}" for t in trials)
        none = {name: not_measured(reason) for name in NAMES}
        return {**none, "S4-D1-K2/moved": taken}
    refused = f"{len(trials) - len(moved)} of {len(trials)} jobs were refused and not moved"
    note = "; ".join((refused, *map(told, trials)))
    sides = tuple(figure for one in moved for figure in side_by_side(one))
    curves = tuple(separation(one) for one in moved)
    found = {"S4-D1-K2/moved": taken}
    for way, name in (("A", "miss-home"), ("adapted", "miss-after")):
        missed = sum(one.defective[way].missed for one in moved)
        n = sum(len(one.defective[way].scores) for one in moved)
        found[f"S4-D1-K2/{name}"] = rate(missed, n, digest, f"{before(moved)}; {note}", sides)
    frames = max(one.move.frames for one in moved if one.move)
    seconds = [took(one.move) for one in moved if one.move]
    how = (
        f"{frames} pictures at {CYCLE_S:.0f} s each, {LEVEL_S:.0f} s for a lamp that is levelled; "
    )
    how += f"the slowest of {len(moved)} materials"
    n_same = sum(one.same for one in moved)
    n_replayed = REPLAYED * len(moved)
    found["S4-D1-K2/false-change"] = change(moved, digest, note, curves)
    found["S4-D1-K2/minutes"] = exact(max(seconds) / 60, len(moved), digest, how, sides[:1])
    found["S4-D1-K2/replay"] = exact(n_same / n_replayed, n_replayed, digest, note, sides[:1])
    return found


def change(moved: list[Trial], digest: str, note: str, figures: tuple[Figure, ...]) -> Measurement:
    """How much more often good parts are rejected on the station than on A, the same parts.

    Bounds: of parts that it alone rejects, less the point value of those that A alone does; and the
    other way about (Clopper and Pearson on the discordant ones).
    """
    on_a = np.concatenate([one.good["A"].rejected for one in moved])
    there = np.concatenate([one.good["adapted"].rejected for one in moved])
    raw = np.concatenate([one.good["raw"].rejected for one in moved])
    n = len(on_a)
    more, less = int((there & ~on_a).sum()), int((on_a & ~there).sum())
    value = (more - less) / n
    high = max(value, upper_bound(more, n) - less / n)
    low = min(value, more / n - upper_bound(less, n))
    counts = f"{int(on_a.sum())} rejected on A, {int(raw.sum())} there before, {int(there.sum())} "
    counts += f"after, of {n}; "
    return Measurement(value, low, high, n, digest, counts + note, figures)


def took(move: Move) -> float:
    """Seconds of a person and of the computer."""
    return move.frames * CYCLE_S + move.cpu_s + (LEVEL_S if move.kept is not None else 0.0)


def told(one: Trial) -> str:
    """A material in a sentence."""
    if one.move is None:
        return f"{one.material} was refused: {one.refused}"
    rule, kept = one.move.migration.threshold, one.move.kept
    lamp = "" if kept is None else f"lamp levelled, its mirror image at {kept:.2f} before; "
    missed = ", ".join(f"{way} {one.defective[way].missed}" for way in WAYS)
    false = ", ".join(f"{way} {int(one.good[way].rejected.sum())}" for way in WAYS)
    return (
        f"{one.material}: {lamp}{rule.sentence()}; "
        f"missed {missed} of {len(one.defective['A'].scores)}; "
        f"false {false} of {len(one.good['A'].beside)}"
    )


def side_by_side(one: Trial) -> tuple[Picture, ...]:
    """The same corner of one part as A takes it, as the station does, and as its frame is made."""
    tiles = [_tile(frame) for frame in (one.views[0], one.views[1], one.views[2])]
    gap = np.full((tiles[0].shape[0], 6), 255, np.uint8)
    canvas = np.hstack([tiles[0], gap, tiles[1], gap, tiles[2]])
    caption = f"{one.material}: station A, station {one.here} as it is, and as A would have seen it"
    return (Picture(jpeg(canvas, 75), caption),)


def _tile(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame at 420 px."""
    return np.asarray(cv2.resize(frame, (420, 420), interpolation=cv2.INTER_AREA), np.uint8)


def separation(one: Trial) -> Plot:
    """Scores of good parts and of points, on A and on the station, raw and adapted."""
    curves = []
    for way in WAYS:
        for what, scores in (
            ("good", one.good[way].beside),
            ("points", one.defective[way].scores),
        ):
            ordered = np.sort(scores)
            share = (np.arange(len(ordered)) + 1) / len(ordered)
            curves.append(Series(f"{way}, {what}", ordered, share, kind="step"))
    lines = tuple(
        ReferenceLine(f"threshold on {place}", one.good[way].threshold, "x")
        for place, way in (("A", "A"), (one.here, "adapted"))
    )
    title = f"Scores before and after the move to {one.here}, {one.material}"
    return Plot(title, "highest logit", "share at or below", tuple(curves), lines=lines)


JOBS = f"jobs of {', '.join(MATERIALS[:-1])} and {MATERIALS[-1]}"
LIKE = {
    "D": "D strains a move: 14 um a pixel, lens nearly twice as soft, lamps turned by 17 degrees",
    "B": "B is as another machine of A's maker: 12.5 um a pixel, lamps turned by 6 degrees",
}
LEANS = {"D": 4, "B": 2}


def _how(here: str) -> str:
    return (
        f"Simulated stations A and {here}, camera driver, {JOBS}; {LIKE[here]}. Points of 30 um, "
        f"each judged alone; the network's threshold on A, the moved job's on {here}. Known "
        f"defects of A, one picture of the target and ten good parts of {here}, up to thirty where "
        f"more are asked for. What lights from overhead leans by {LEANS[here]} degrees on {here}: "
        "the coaxial lamp is levelled to half a degree where the move refuses it and asks for "
        "that; the panel, a disk of 18 degrees, stays. Quick size: cameras that see 5.1 x 5.1 mm, "
        "and a target to match."
    )


def _row(
    name: str, claim: str, unit: str, comparator: Comparator, target: float, how: str
) -> Indicator:
    return Indicator(
        f"S4-D1-K2/{name}",
        claim,
        GUIDE,
        unit,
        comparator,
        target,
        "simulated",
        how,
    )


def _of_station(here: str, words: str) -> tuple[Indicator, ...]:
    """The rows that every station has. words: what it is called."""
    how, suffix = _how(here), STATIONS[here]
    return (
        _row(
            f"moved{suffix}",
            f"Every job can be moved to {words}.",
            "fraction",
            ">=",
            1.0,
            f"{how} A move is refused where no threshold would keep both rates: where good parts "
            "reach the job's own there, or known defects as that station would show them lose so "
            "much that good parts reach the one that still finds them. The notes tell which "
            "material and why; the other rows are of the jobs that were moved.",
        ),
        _row(
            f"miss-after{suffix}",
            f"Moved to {words}, a job misses at most 0.3 % of the points of 30 um.",
            "fraction",
            "<=",
            MISS,
            how,
        ),
        _row(
            f"false-change{suffix}",
            f"On {words} good parts are rejected at most 0.2 points more often than on station A.",
            "fraction",
            "<=",
            FALSE_CHANGE,
            f"{how} The same good parts on both; the difference of the two rates. It takes "
            f"{ENOUGH:,} good parts, none of them rejected there alone, to prove it: the full size "
            f"has {SIZES['full'].good:,} of each material that is moved, so three do.",
        ),
    )


INDICATORS = (
    *_of_station("D", "the other station"),
    *_of_station("B", "another machine of the same maker"),
    _row(
        "miss-home",
        "On the station it was taught on the job misses at most 0.3 % of these points.",
        "fraction",
        "<=",
        MISS,
        f"{_how('D')} The same parts on A, of the jobs that were moved.",
    ),
    _row(
        "minutes",
        "A job is moved in a quarter of an hour.",
        "min",
        "<=",
        MINUTES,
        "To station D. Pictures taken, repeated ones too, at 10 s each, three minutes where a lamp "
        "is levelled, and the CPU time of working it out.",
    ),
    _row(
        "replay",
        "A recording replayed on its station gives bit-equal results.",
        "fraction",
        ">=",
        1.0,
        "The moved job, saved and loaded anew, on frames of D live and from their MCAP recording: "
        "score, regions and map are the same bits.",
    ),
)

NAMES = tuple(row.id for row in INDICATORS if not row.id.endswith(STATIONS["B"]))
EXPERIMENTS = (Experiment("migration", INDICATORS, measure),)
