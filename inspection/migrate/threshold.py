"""Where the threshold goes on the new station, decided without a defect of it.

It never rises: no good part can tell what a higher one would miss. It falls where probes say that
defects score less here. Let w be the score of the weakest known defect that the job finds on the
old station. Of the n known defects, k lie under the old threshold and k under w: as an order
statistic, w misses with 95 % confidence at most the Clopper-Pearson bound of k in n, the very bound
that the old threshold has. Probes of a contrast that scores at most w there lose on the new
station, and the one-sided 95 % bound of their loss (Welch 1947) is taken off w; the new threshold
is the lower one of that and the old. If a real defect loses no more than a probe that scores as
little as w, which is what the same size, the measured blur and the same good surfaces are for, then
whatever reaches w there reaches the new threshold here, and the miss rate's bound moves with the
job. A probe dims what it lies on, so the rule knows nothing of a defect that a lamp which leans
hides; the target's mirrors tell of that (`mirror`), and such a station is refused before the rule
is asked. A target without mirrors leaves it untold. The rule errs towards finding: with few parts
the bound is wide, and the threshold falls more, not less. Where no defect is known, w is the old
threshold.

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
FALSE_RATE = 0.01  # of a job that says nothing of its own
COVERAGE = 0.99


@dataclass(frozen=True, slots=True)
class Moved:
    """A threshold and why it is where it is.

    loss, loss_high: of the probes' mean score and its upper bound. rejected: good parts at or over
    the new threshold. limit: tolerance limit of good parts. p_higher: how likely good parts score
    so much higher here by chance.
    """

    value: float
    before: float
    loss: float
    loss_high: float
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
            f"threshold {self.before:.3g} to {self.value:.3g}: probes lose {self.loss:.2g}, at "
            f"most {self.loss_high:.2g}; {self.rejected} of {self.parts} good parts rejected"
        )


def moved(
    before: float,
    weakest: float,
    good_there: F64,
    good_here: F64,
    probes_there: F64,
    probes_here: F64,
) -> Moved:
    """The rule. MigrationError where the good parts do not fit the job.

    before, weakest: the job's threshold and w. good_*: (N,) scores of good parts. probes_*: (N,)
    mean scores of probes a part, there at the old station and here at the new one.
    """
    loss = float(probes_there.mean() - probes_here.mean())
    high = loss + _margin(probes_there, probes_here)
    value = min(before, weakest - max(0.0, high))
    n, rejected = len(good_here), int((good_here >= value).sum())
    expected = max(FALSE_RATE, float((good_there >= before).mean()))
    p_higher = float(mannwhitneyu(good_here, good_there, alternative="greater").pvalue)
    limit = tolerance_limit(good_here)
    found = Moved(value, before, loss, high, rejected, n, limit, p_higher)
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
        f"{told}; its own threshold {found.before:.3g} rejects {rejected_before}, but probes lose "
        f"{found.loss:.2g} here, at most {found.loss_high:.2g}: this station shows small defects "
        "too weakly; it takes a sharper lens, finer pixels or less noise, or teach the job here"
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
