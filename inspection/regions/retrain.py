"""A job that names kinds taught anew from corrections: its kinds, what it takes for no defect, its
threshold. `inspection.regions.relearn` does it for the other methods.

The network stays as it is. The old job is left alone, and what it knew is rehearsed: of the
regions it keeps and named rightly, the new job may lose at most FORGOTTEN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inspection.job import Job
from inspection.regions import classify, verify
from inspection.regions.classify import Kinds
from inspection.regions.corrections import GOOD, Correction, missed
from inspection.regions.describe import FEATURES
from inspection.regions.head import Exemplars, Head
from inspection.regions.relearn import (
    Learned,
    RetrainError,
    lowered,
    refuse_foreign,
    relearn,
    with_learned,
)

F64 = NDArray[np.float64]

FORGOTTEN = 0.02  # of the rehearsed regions that were named rightly
EMPHASIS = 4.0  # a correction weighs as much as this many rehearsed regions of its kind
HALVINGS = 6


def retrain(job: Job, corrections: Sequence[Correction]) -> tuple[Job, Learned]:
    """A new job. RetrainError when the corrections are none, contradict one another or what is
    known, or are of another job."""
    if not corrections:
        raise RetrainError("there is no correction to learn from: correct a result first")
    told = job.recipe.get("settings", {}).get("head")
    seen = [one for one in corrections if one.region is not None]
    if told is None:
        return relearn(job, seen, missed(corrections))
    refuse_foreign(seen, len(FEATURES))
    old = Head.from_json(told)
    new = _taught(old, seen)
    threshold, untaken = lowered(float(job.threshold["value"]), missed(corrections))
    settings = {**job.recipe.get("settings", {}), "head": new.to_json()}
    learned = _learned(old, new, corrections, threshold, untaken)
    made = replace(job, recipe={**job.recipe, "settings": settings})
    return with_learned(made, learned), learned


def _taught(old: Head, seen: Sequence[Correction]) -> Head:
    if not seen:
        return old
    features = np.concatenate([old.exemplars.features, [one.features for one in seen]])
    kinds = (*old.exemplars.kinds, *(one.kind for one in seen))
    is_new = np.arange(len(kinds)) >= len(old.exemplars.kinds)
    head = replace(
        old,
        kinds=_kinds(old, features, kinds, is_new),
        exemplars=Exemplars(features, kinds),
    )
    return head.with_verifier(_verifier(old, features, kinds))


def _kinds(old: Head, features: F64, kinds: Sequence[str], is_new: NDArray[np.bool_]) -> Kinds:
    """The corrections weigh as much as what is rehearsed can bear."""
    defects = np.array([kind != GOOD for kind in kinds])
    if not (defects & is_new).any():
        return old.kinds
    names = [kind for kind in kinds if kind != GOOD]
    x, new = features[defects], is_new[defects]
    emphasis = EMPHASIS
    for _ in range(HALVINGS):
        made = classify.fit(x, names, np.where(new, emphasis, 1.0))
        if kept(old.kinds, made, x[~new], [n for n, fresh in zip(names, new) if not fresh]) >= (  # noqa: B905
            1 - FORGOTTEN
        ):
            return made
        emphasis /= 2
    raise RetrainError(
        f"what the corrections say contradicts what the job knows: over {FORGOTTEN:.0%} of it "
        "would be forgotten; see that the same things are not called by different kinds"
    )


def _verifier(old: Head, features: F64, kinds: Sequence[str]) -> verify.Verifier | None:
    is_defect = np.array([kind != GOOD for kind in kinds])
    if is_defect.all():
        return old.verifier
    return verify.teach(features, is_defect, features[is_defect])


def kept(old: Kinds, new: Kinds, features: F64, kinds: Sequence[str]) -> float:
    """Share of the regions that `old` names rightly and `new` does too; 1 where there is none."""
    before, after = _right(old, features, kinds), _right(new, features, kinds)
    return float(after[before].mean()) if before.any() else 1.0


def _right(kinds: Kinds, features: F64, truth: Sequence[str]) -> NDArray[np.bool_]:
    chances = kinds.chances(features)
    return np.array([kinds.name(row) == kind for row, kind in zip(chances, truth, strict=True)])


def _learned(
    old: Head,
    new: Head,
    corrections: Sequence[Correction],
    threshold: float,
    untaken: tuple[str, ...],
) -> Learned:
    shown = [one for one in corrections if one.region is not None]
    named = [one for one in shown if one.kind != GOOD]
    false = np.array([one.features for one in shown if one.kind == GOOD])
    of_named = np.array([one.features for one in named])
    right = _right(new.kinds, of_named, [one.kind for one in named]) if named else None
    before = [i for i, kind in enumerate(old.exemplars.kinds) if kind != GOOD]
    names = [old.exemplars.kinds[i] for i in before]
    refused = None
    if len(false) and new.verifier is not None:
        passes = new.verifier.accepts(false)
        refused = float(1 - passes.mean())
        if passes.any():
            untaken = (*untaken, _still_pass(new, new.verifier, false[passes], len(false)))
    return Learned(
        len(corrections),
        None if right is None else float(right.mean()),
        kept(old.kinds, new.kinds, old.exemplars.features[before], names),
        refused,
        threshold,
        untaken,
    )


def _still_pass(head: Head, verifier: verify.Verifier, alarms: F64, of: int) -> str:
    """Why false alarms (M, D) that were corrected are not refused, and what would cure it."""
    is_defect = np.array([kind != GOOD for kind in head.exemplars.kinds])
    known = head.exemplars.features[is_defect]
    among, more = verify.in_the_way(verifier, known, alarms)
    why = (
        f"{among} of the {len(known)} known defects look no more like a defect than they do, and a "
        f"second look may give up {verify.LOST:.1%} of those at most"
        if among
        else f"of {len(known)} known defects a second look keeps clear even of the faintest"
    )
    return (
        f"{len(alarms)} of {of} false alarms still pass: {why}. More false alarms change nothing; "
        f"about {more:,} more regions corrected as defects that look unlike them would, or a light "
        "that shows them otherwise"
    )
