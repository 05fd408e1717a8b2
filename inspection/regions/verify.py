"""Whether a candidate is a defect at all: a second look at what the network raised.

A logistic on the features of `describe` with a threshold low enough that true defects pass. It
refuses what lies under it; whatever it says, a part with another find stays rejected.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from inspection.methods.logistic import Logistic, fit

F64 = NDArray[np.float64]

LOST = 0.001  # share of true defects that may fall under the threshold
MARGIN = 1.0  # logits below the lowest true defect, where there are too few for that share


@dataclass(frozen=True, slots=True, eq=False)
class Verifier:
    """net: logit of being a defect. A candidate below `threshold` is refused."""

    net: Logistic
    threshold: float

    def accepts(self, features: F64) -> NDArray[np.bool_]:
        """(N, D) -> (N,) whether each candidate may be a defect; NaN passes as one."""
        return np.asarray(~(self.net.logit(features) < self.threshold))


def teach(features: F64, is_defect: NDArray[np.bool_], calibration: F64) -> Verifier:
    """features: (N, D) with the truth (N,); calibration: (M, D) of true defects not among them,
    which the threshold is chosen on. ValueError unless there are both."""
    if not len(calibration):
        raise ValueError("needs true defects to choose the threshold on")
    net = fit(features, is_defect)
    return Verifier(net, choose(net.logit(calibration)))


def in_the_way(verifier: Verifier, defects: F64, alarms: F64) -> tuple[int, int]:
    """Why false alarms `alarms` (M, D) pass that were to be refused: how many of the known
    defects (N, D) look no more like one than the worst of these does, and how many more known
    defects the threshold's rule lacks to give that many up.

    The second is of defects that all look more like one; classes weigh the same, so that further
    false alarms of the same look move nothing.
    """
    worst = float(verifier.net.logit(alarms).max())
    among = int((verifier.net.logit(defects) <= worst).sum())
    needed = ceil(max(among, 1) / LOST - 1e-6)  # 1 / 0.001 is not quite 1000
    return among, max(needed - len(defects), 0)


def choose(defects: F64) -> float:
    """The threshold that loses at most LOST of these logits; below all of them where that is less
    than one."""
    ranked = np.sort(defects)
    lost = int(LOST * len(ranked))
    return float(ranked[lost]) if lost else float(ranked[0]) - MARGIN
