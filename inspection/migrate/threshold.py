"""Where the threshold goes on the new station, decided without a defect of it.

It never rises: no good part can tell what a higher one would miss. It falls where defects score
less here.

Where defects are known, their pictures tell: each is shown as this station would show it
(`planted`), and judged. Of the n known ones k lie under the old threshold at home; the new one is
the highest, not over the old, that has at most k of them under it here, or as many as the miss rate
that a job aims at makes of n. As order statistics, k of n here and k of n there have the same
Clopper-Pearson bound: the miss rate's bound moves with the job. The weakest are asked, as those
that are far over the threshold at home lose no more. Where good parts leave room the threshold
falls farther, half way from there to their tolerance limit: lamps in other places change what a
defect scores, either way, and so much is then left to both sides.

Where none is known, probes of a contrast that scores no more than the old threshold are all there
is. The one-sided 95 % bound of what they lose here (Welch 1947) is taken off it. If a defect loses
no more than a probe that scores as little as the threshold, whatever was found is found. Between
what is seen and what is not a score is steep, so that such probes lose much more than most defects
do: the rule errs towards finding, and a softer lens is often refused by it that known defects would
show to do.

Neither knows what lamps in other places make of a defect. Of one that a lamp which leans hides the
target's mirrors tell (`mirror`), and such a station is refused before the rule is asked. A target
without mirrors leaves it untold.

What falling costs is false alarms, and there the good parts do tell. The job is refused where more
of them reach the new threshold than the false rate of the job makes likely; whether they reach the
old one too tells parts that are shown otherwise, as by lamps that stand elsewhere, from defects
that are shown too weakly, as by a softer lens. It is also refused where they score higher than
those of the old station beyond what so many parts allow (Mann and Whitney 1947), unless they still
lie clear of the threshold (one-sided normal tolerance limit, 99 % of parts with 95 % confidence).
Ten parts bound no false rate at 0.2 points; they show whether the job is out of place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, mannwhitneyu, nct, norm, t

from inspection.migrate.errors import MigrationError, TooFewPartsError

F64 = NDArray[np.float64]

CONFIDENCE = 0.95
UNLIKELY = 0.01  # a test's level
FALSE_RATE, MISS_RATE = 0.01, 0.003  # of a job that says nothing of its own
COVERAGE = 0.99
KNOWN = "; probes lose more than most defects do: survey it with known ones (--defects)"


@dataclass(frozen=True, slots=True)
class Fall:
    """How low the threshold has to be. loss: what defects' scores lose here, in the middle;
    loss_high: at most. of: what told so."""

    value: float
    loss: float
    loss_high: float
    of: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A threshold and why it is where it is.

    loss, loss_high, of: as of `Fall`. rejected: good parts at or over the new threshold. limit:
    tolerance limit of good parts. p_higher: how likely good parts score so much higher here by
    chance.
    """

    value: float
    before: float
    loss: float
    loss_high: float
    of: str
    rejected: int
    parts: int
    limit: float
    p_higher: float

    def to_json(self) -> dict[str, Any]:
        """As a job holds it."""
        return asdict(self)

    def sentence(self) -> str:
        """What to tell the person who moves the job."""
        return (
            f"threshold {self.before:.3g} to {self.value:.3g}: {self.of} lose {self.loss:.2g}, at "
            f"most {self.loss_high:.2g}; {self.rejected} of {self.parts} good parts rejected"
        )


def by_known(before: float, there: F64, here: F64, missed: int, count: int, good_here: F64) -> Fall:
    """From known defects, the weakest of all `count`. there, here: (N,) scores of each at home and
    as this station shows it. missed: how many of all lay under `before` at home. good_here: (M,)
    scores of good parts on this station."""
    lost = there - here
    may_be_missed = max(missed, int(MISS_RATE * count))
    lowest = float(np.sort(here)[min(may_be_missed, len(here) - 1)])
    half_way = (lowest + min(lowest, tolerance_limit(good_here))) / 2
    told = f"{len(here)} known defects"
    return Fall(min(before, half_way), float(np.median(lost)), float(lost.max()), told)


def by_probes(before: float, there: F64, here: F64) -> Fall:
    """From probes. there, here: (N,) mean scores of a part's probes at home and on this station."""
    loss = float(there.mean() - here.mean())
    high = loss + _margin(there, here)
    return Fall(before - max(0.0, high), loss, high, "probes")


def moved(before: float, fall: Fall, good_there: F64, good_here: F64) -> Moved:
    """The rule. MigrationError where the good parts do not fit the job.

    before: the job's threshold. good_*: (N,) scores of good parts, there at the old station and
    here at the new one.
    """
    value = min(before, fall.value)
    n, rejected = len(good_here), int((good_here >= value).sum())
    expected = max(FALSE_RATE, float((good_there >= before).mean()))
    p_higher = float(mannwhitneyu(good_here, good_there, alternative="greater").pvalue)
    limit = tolerance_limit(good_here)
    lost = (fall.loss, fall.loss_high, fall.of)
    found = Moved(value, before, *lost, rejected, n, limit, p_higher)
    if _is_unlikely(rejected, n, expected):
        raise MigrationError(_why(found, int((good_here >= before).sum()), expected))
    if p_higher < UNLIKELY and limit >= value:
        raise TooFewPartsError(
            f"good parts score higher here (p = {p_higher:.1g}), by {n} of them perhaps up to "
            f"{limit:.3g}, and the threshold is {value:.3g}: show more good parts, check this "
            "station's light, or teach the job here"
        )
    return found


def _is_unlikely(rejected: int, parts: int, expected: float) -> bool:
    """Whether chance makes so many of the parts or more at this rate too seldom."""
    return float(binom.sf(rejected - 1, parts, expected)) < UNLIKELY


def _why(found: Moved, rejected_before: int, expected: float) -> str:
    """What a station that does not fit lacks. Good parts that reach the old threshold too are
    shown otherwise; where only the fall brings them there, it is defects that are shown weaker."""
    told = (
        f"{found.rejected} of {found.parts} good parts would be rejected at threshold "
        f"{found.value:.3g}, the job rejects {expected:.1%}"
    )
    if _is_unlikely(rejected_before, found.parts, expected):
        return (
            f"{told}, and {rejected_before} at its own threshold {found.before:.3g}: this station "
            "shows the parts otherwise; check that its lamps stand where they did, for a lamp from "
            "the side that is turned throws other shadows, or teach the job here"
        )
    return (
        f"{told}; its own threshold {found.before:.3g} rejects {rejected_before}, but {found.of} "
        f"lose {found.loss:.2g} here, at most {found.loss_high:.2g}: this station shows small "
        "defects too weakly; it takes a sharper lens, finer pixels or less noise, or teach the job "
        f"here{KNOWN if found.of == 'probes' else ''}"
    )


def tolerance_limit(scores: F64) -> float:
    """What COVERAGE of normal scores stay under, with CONFIDENCE (Owen 1968)."""
    n = len(scores)
    k = nct.ppf(CONFIDENCE, n - 1, norm.ppf(COVERAGE) * np.sqrt(n)) / np.sqrt(n)
    return float(scores.mean() + k * scores.std(ddof=1))


def _margin(there: F64, here: F64) -> float:
    """What Welch's one-sided bound adds to the difference of two means."""
    parts = [values.var(ddof=1) / len(values) for values in (there, here)]
    total = float(sum(parts))
    if total == 0:
        return 0.0
    freedom = total**2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (there, here), strict=True))
    return float(t.ppf(CONFIDENCE, freedom) * np.sqrt(total))
