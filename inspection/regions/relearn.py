"""A job of the methods `golden` or `anomaly` taught anew from corrections, by what it remembers
(`inspection.regions.memory`).

A region called good is let pass from then on, with what is like it. A region called a defect joins
the known defects, which no correction may let pass. A defect that was missed lowers the threshold,
unless too many of the good parts that were seen at teaching would be rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from inspection.job import Job
from inspection.regions.corrections import GOOD, Correction
from inspection.regions.memory import Memory

MARGIN = 0.1  # logits that the threshold goes below a missed part's score
ALIKE = 0.25  # of the known defects' distance from one another: nearer than this is the same thing
MORE_FALSE = 0.05  # of the good samples that a lower threshold may reject beyond those it did


class RetrainError(LingnanError):
    """The job cannot be taught from these corrections."""


@dataclass(frozen=True, slots=True)
class Learned:
    """named: share of the corrected regions that the new job names as corrected; None where kinds
    are not learned. kept: share of the rehearsed ones, named or found rightly before, that it still
    does. refused: of the false alarms. untaken: why some corrections changed nothing."""

    corrections: int
    named: float | None
    kept: float
    refused: float | None
    threshold: float
    untaken: tuple[str, ...] = ()


def relearn(
    job: Job, seen: Sequence[Correction], overlooked: Sequence[Correction]
) -> tuple[Job, Learned]:
    """A new job. seen: corrections of regions; overlooked: of defects that were missed.
    RetrainError where the job remembers nothing or can take none of them."""
    memory = Memory.of_state(job.state)
    if memory is None:
        raise RetrainError(
            "the job was taught before jobs could be corrected: teach it again on its samples, "
            "with --corrections"
        )
    refuse_foreign(seen, len(memory.scale))
    good = [one for one in seen if one.kind == GOOD]
    bad = [one for one in seen if one.kind != GOOD]
    _refuse_contradictions(memory, good, bad)
    taken, untaken = _apart(memory, good)
    new = memory.with_harmless(_rows(taken, memory), _rows(bad, memory))
    old = float(job.threshold["value"])
    threshold, too_low = _bearable(memory, old, overlooked)
    untaken = (*untaken, *too_low)
    if len(untaken) == len(seen) + len(overlooked):
        raise RetrainError("no correction can be learned: " + "; ".join(untaken))
    refused = float(new.passes(_rows(good, memory)).mean()) if good else None
    kept = float(1 - new.passes(new.defects).mean()) if len(new.defects) else 1.0
    learned = Learned(len(seen) + len(overlooked), None, kept, refused, threshold, untaken)
    made = replace(job, state={**job.state, **new.to_state()})
    return with_learned(made, learned), learned


def with_learned(job: Job, learned: Learned) -> Job:
    """The job with the threshold and the count of what was learned."""
    before = int(job.statistics.get("corrections", 0))
    told = {**job.threshold, "value": learned.threshold}
    if learned.threshold != job.threshold["value"]:
        told.setdefault("lowered_from", job.threshold["value"])
    statistics = {**job.statistics, "corrections": before + learned.corrections}
    return replace(job, threshold=told, statistics=statistics)


def lowered(old: float, overlooked: Sequence[Correction]) -> tuple[float, tuple[str, ...]]:
    """A threshold below the score of every missed part, and why others tell nothing. False alarms
    never raise it."""
    below = [one for one in overlooked if one.score < old]
    return min([old, *(one.score - MARGIN for one in below)]), tuple(
        f"{one.image}: the missed {one.kind} has no score of its own, for the image was rejected"
        for one in overlooked
        if one.score >= old
    )


def refuse_foreign(seen: Sequence[Correction], wide: int) -> None:
    """RetrainError where a correction describes its region as another method does."""
    for one in seen:
        if len(one.features) != wide:
            raise RetrainError(
                f"region {one.region} of {one.image} is told by {len(one.features)} numbers, this "
                f"job tells {wide}: the correction is of another job's results"
            )


def _bearable(
    memory: Memory, old: float, overlooked: Sequence[Correction]
) -> tuple[float, tuple[str, ...]]:
    """As `lowered`, but for parts that lie among the good ones."""
    most = memory.rejected(old) + MORE_FALSE
    share = {one: memory.rejected(one.score - MARGIN) for one in overlooked}
    value, untaken = lowered(old, [one for one in overlooked if share[one] <= most])
    buried = tuple(
        f"{one.image}: a threshold that finds the missed {one.kind} would reject {share[one]:.0%} "
        "of the good samples; teach the job again with this part among them"
        for one in overlooked
        if share[one] > most
    )
    return value, (*untaken, *buried)


def _refuse_contradictions(
    memory: Memory, good: Sequence[Correction], bad: Sequence[Correction]
) -> None:
    alike = memory.distances(_rows(good, memory), _rows(bad, memory)) <= ALIKE * memory.spread()
    for i, j in np.argwhere(alike):
        raise RetrainError(
            f"the corrections contradict one another: region {good[i].region} of {good[i].image} "
            f"is called good, region {bad[j].region} of {bad[j].image}, which is like it, "
            f"{bad[j].kind}; correct one of the two"
        )


def _apart(memory: Memory, good: Sequence[Correction]) -> tuple[list[Correction], tuple[str, ...]]:
    """Those that a known defect cannot be taken for, and what is to be said of the others."""
    nearest = memory.distances(_rows(good, memory), memory.defects).min(1, initial=np.inf)
    fits = nearest > ALIKE * memory.spread()
    told = (
        f"region {one.region} of {one.image} is like a defect that the job knows: letting it pass "
        "would let that pass too"
        for one, fine in zip(good, fits, strict=True)
        if not fine
    )
    return [one for one, fine in zip(good, fits, strict=True) if fine], tuple(told)


def _rows(some: Sequence[Correction], memory: Memory) -> NDArray[np.float32]:
    return np.array([one.features for one in some], np.float32).reshape(-1, len(memory.scale))
