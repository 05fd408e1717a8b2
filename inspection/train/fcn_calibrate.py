"""The threshold of each geometry, on draws of its own, and what it misses there by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from common.errors import LingnanError
from inspection.models.fcn import Fcn
from inspection.sim.names import CHINESE, GEOMETRIES
from inspection.sim.trial import Lot, frames, split

# What a threshold must find (kind, size in um, defects a part).
STATED: tuple[tuple[str, float, int], ...] = (
    ("point", 30.0, 49),
    ("scratch", 30.0, 16),
    ("stain", 400.0, 16),
)
DEFECTS, GOOD = 196, 40  # of each kind and geometry; five draws of them hold over 299 frames, that
# many good ones below a threshold bound the rate above it at 1 % (95 % confidence)
MISSES, FALSE = 0.003, 0.01  # rates aimed at
SHARE = 0.05  # of the scores may lie farther apart between the nets than the band says
MOST_MISSED, MOST_FALSE = 0.02, 0.05  # rates above which a geometry does not count as learned
CALIBRATION = 8_000  # seeds

Scores = dict[str, list[float]]


@dataclass(slots=True)
class Seen:
    """Scores of one network on one geometry. defects: by kind."""

    defects: Scores = field(default_factory=dict)
    good: list[float] = field(default_factory=list)

    def missed(self, level: float) -> dict[str, int]:
        """Of each kind, how many lie under the threshold."""
        return {kind: sum(s < level for s in scores) for kind, scores in self.defects.items()}

    def false(self, level: float) -> int:
        """Frames with a find away from every defect, most of them of good parts."""
        return sum(score >= level for score in self.good)


def calibrate(
    material: str,
    nets: Mapping[str, Fcn],
    log: Callable[[str], None],
    draws: int = 1,
    regime: str = "calibrate",
) -> dict[str, dict[str, float]]:
    """Of each net, every learned geometry's threshold and what it was chosen on, by name of the
    figure. LingnanError where no geometry is learned.

    All nets get the same threshold: they are one network, and their scores agree within a band.
    draws: times the usual number of parts.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in nets}
    for form in GEOMETRIES[material]:
        seen = _seen(nets, lots(material, form, draws, regime))
        level = middle(
            [s for one in seen.values() for scores in one.defects.values() for s in scores],
            [s for one in seen.values() for s in one.good],
            band(list(seen.values())),
        )
        is_told = all(is_learned(one, level) for one in seen.values())
        for name, one in seen.items():
            told = figures(form, level, one)
            log(f"{name}, {form}, {'learned' if is_told else 'not learned'}: {told}")
            found[name] |= told if is_told else {}
    if not all(found.values()):
        raise LingnanError(f"{material}: no geometry is told well enough; nothing is exported")
    return found


def _seen(nets: Mapping[str, Fcn], parts: Iterator[Lot]) -> dict[str, Seen]:
    seen = {name: Seen() for name in nets}
    for lot in parts:
        for frame, truth in frames(lot):
            for name, net in nets.items():
                scores, beside, _ = split(net.logits(frame), truth)
                seen[name].good.append(beside)
                if lot.per_part:
                    seen[name].defects.setdefault(lot.kind, []).extend(map(float, scores))
    return seen


def lots(material: str, form: str, draws: int = 1, regime: str = "calibrate") -> Iterator[Lot]:
    """The parts that set a threshold; more draws only add to fewer."""
    first = CALIBRATION + 100 * list(CHINESE).index(material)
    first += 10 * GEOMETRIES[material].index(form)
    for c, (kind, size, per_part) in enumerate((*STATED, ("point", 30.0, 0))):
        parts = draws * (GOOD if per_part == 0 else DEFECTS // per_part)
        yield Lot(material, regime, first + c, parts, kind, size, per_part, form)


def is_learned(seen: Seen, level: float) -> bool:
    """Whether few enough are missed of every kind, and few enough good frames rejected."""
    missed = seen.missed(level)
    return (
        all(missed[kind] <= MOST_MISSED * len(scores) for kind, scores in seen.defects.items())
        and seen.false(level) <= MOST_FALSE * len(seen.good)
    )  # fmt: skip


def figures(form: str, level: float, seen: Seen) -> dict[str, float]:
    """What a model card says of a geometry."""
    told = {f"threshold_{form}": level}
    for kind, missed in seen.missed(level).items():
        told[f"missed_{kind}_{form}"] = float(missed)
        told[f"of_{kind}_{form}"] = float(len(seen.defects[kind]))
        told[f"weakest_{kind}_{form}"] = min(seen.defects[kind])
    told[f"false_{form}"] = float(seen.false(level))
    told[f"of_good_{form}"] = float(len(seen.good))
    told[f"strongest_good_{form}"] = max(seen.good)
    return told


def band(seen: Sequence[Seen]) -> float:
    """How far apart the scores of the nets lie on one defect or frame, but for SHARE of them."""
    scores = [[*one.good, *(s for kind in one.defects.values() for s in kind)] for one in seen]
    return float(np.quantile(np.ptp(scores, axis=0), 1 - SHARE))


def middle(defects: Sequence[float], good: Sequence[float], apart: float = 0.0) -> float:
    """The threshold with the fewest misses and false alarms, each in units of what is aimed at;
    of equal ones the widest gap between scores, and in it the middle.

    apart: a score nearer than that to the threshold counts as on its wrong side, for the nets may
    decide differently there. A gap twice as wide has its middle where it has it without.
    """
    missed, alarms = np.sort(np.asarray(defects)) - apart, np.sort(np.asarray(good)) + apart
    scores = np.unique(np.concatenate([missed, alarms]))
    levels = (scores[1:] + scores[:-1]) / 2
    misses = np.searchsorted(missed, levels) / len(missed)
    false = 1 - np.searchsorted(alarms, levels) / len(alarms)
    cost = misses / MISSES + false / FALSE
    best = np.flatnonzero(cost <= cost.min() + 1e-9)
    return float(levels[best[np.argmax(np.diff(scores)[best])]])
