"""What only so many of further values exceed, told from very few: a prediction limit.

Three values do not tell how far a fourth may lie from them. What helps is how far values of other
surfaces spread: their variances are taken as drawn from a law of their own (scaled inverse
chi-square), which is fitted to them, and a few values of a new surface move what is taken for its
own variance as far as their number allows (empirical Bayes: Smyth, Stat. Appl. Genet. Mol. Biol.
2004). The law of a further value is then Student's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, polygamma, stdtrit

from edge_deploy.errors import EdgeError

F64 = NDArray[np.float64]

FEWEST, MOST = 0.2, 1000.0  # degrees of freedom of a law that are looked for


@dataclass(frozen=True, slots=True)
class Spreads:
    """Variances of surfaces: `freedom` times `variance` over a chi-square of as many degrees of
    freedom. As good as `freedom` further values of each new surface."""

    freedom: float
    variance: float

    @classmethod
    def of(cls, variances: Sequence[float], freedom: int) -> Spreads:
        """From variances of surfaces, each told by `freedom` + 1 values: the moments of their
        logarithms. EdgeError below two variances."""
        logs = np.log(np.array(variances, np.float64))
        if len(logs) < 2 or freedom < 1:
            raise EdgeError("a law of spreads takes the variances of two surfaces at the least")
        # of a logarithm's variance, what is not of telling each from as few values
        own = float(logs.var(ddof=1) - polygamma(1, freedom / 2))
        least, most = (float(polygamma(1, end / 2)) for end in (MOST, FEWEST))
        held = MOST
        if own > least:
            held = float(brentq(lambda d: polygamma(1, d / 2) - min(own, most), FEWEST, MOST))
        middle = logs.mean() - _bias(freedom) + _bias(held)
        return cls(held, float(np.exp(middle)))

    def limit(self, values: F64, share: float) -> float:
        """What `share` of further values of a surface exceed of which these were seen."""
        n = len(values)
        freedom = self.freedom + n - 1
        scatter = self.freedom * self.variance + float(((values - values.mean()) ** 2).sum())
        spread = np.sqrt(scatter / freedom * (1 + 1 / n))
        return float(values.mean() + stdtrit(freedom, 1 - share) * spread)


def _bias(freedom: float) -> float:
    """Of the logarithm of a chi-square over its degrees of freedom, the mean."""
    return float(digamma(freedom / 2) - np.log(freedom / 2))
