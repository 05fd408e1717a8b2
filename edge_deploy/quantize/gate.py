"""The accuracy gate: what a network loses as int8 on a check set, sample by sample.

With classes the score of a picture is whether it is named rightly. Without, float's decisions are
taken as right, and the score is the overlap with them: intersection over union, the mean of the
classes that either file sees in the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.acceptance.resampling import bootstrap
from common.acceptance.statistics import upper_bound
from common.runtime.session import Session
from edge_deploy.errors import EdgeError
from edge_deploy.quantize.check import CheckSet

Scores = NDArray[np.float64]
SEED = 0  # of the resampling
ROUNDING = 1e-9  # points by which a mean in float64 may miss the tolerance that it meets


@dataclass(frozen=True, slots=True)
class Gate:
    """score: of what the mean is. lost_points: 100 (float - int8), with one-sided 95 % bounds low
    and high. samples: how many."""

    score: str
    samples: int
    float_score: float
    int8_score: float
    lost_points: float
    low: float
    high: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether no more is lost than is tolerated."""
        return self.lost_points <= self.tolerance + ROUNDING

    def __str__(self) -> str:
        return (
            f"{self.score}: float {self.float_score:.4f}, int8 {self.int8_score:.4f}; "
            f"{self.lost_points:.2f} points lost ({self.low:.2f} to {self.high:.2f}, "
            f"n = {self.samples}), {self.tolerance:g} tolerated"
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """How the first output (1, K, ...) decides. threshold: of each value; None where the largest of
    the K classes decides. tolerance: points."""

    threshold: float | None = None
    tolerance: float = 1.0

    def check(self) -> None:
        """EdgeError where a number makes no sense."""
        if not 0 <= self.tolerance <= 100:
            raise EdgeError(f"a tolerance of {self.tolerance} points; give 0 to 100")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise EdgeError(f"a threshold of {self.threshold}; give a finite one")

    def classes(self, output: NDArray[Any]) -> int | None:
        """How many a picture is named one of; None for maps and for several decisions. EdgeError
        where the rule does not fit the output."""
        if output.ndim < 2:
            raise EdgeError(f"the network's first output is {output.shape}; the gate takes (1, K)")
        if self.threshold is None and output.shape[1] < 2:
            raise EdgeError("the network's output has one channel: give --threshold to decide by")
        if output[0].size != output.shape[1]:
            return None
        if self.threshold is None:
            return int(output.shape[1])
        return 2 if output.shape[1] == 1 else None

    def decide(self, output: NDArray[Any]) -> NDArray[np.int64]:
        """The decisions on one picture: classes, or 1 where the threshold is reached."""
        made = output.argmax(1) if self.threshold is None else output >= self.threshold
        return np.asarray(made.reshape(-1), np.int64)


def classes(payload: bytes, shape: tuple[int, int, int], rule: Rule) -> int | None:
    """`Rule.classes` of a model that takes (1, *shape)."""
    return rule.classes(_answer(Session(payload, warmup=0), np.zeros((1, *shape), np.float32)))


def judge(float_payload: bytes, made: bytes, data: CheckSet, rule: Rule) -> Gate:
    """What `made` loses. EdgeError where float itself names no more than chance does."""
    single, integer = scores(float_payload, made, data, rule)
    lost = 100 * (single - integer)
    if data.labels is not None and single.mean() * (data.labels.max() + 1) <= 1:
        raise EdgeError(
            f"{data.path}: float names {single.mean():.1%} of {len(data)} rightly, no more than "
            "chance; the folders must be in the order of the network's outputs"
        )
    score = "overlap with float's decisions" if data.labels is None else "share named rightly"
    ends = (float(single.mean()), float(integer.mean()), float(lost.mean()))
    return Gate(score, len(data), *ends, *bounds(lost, SEED), rule.tolerance)


def scores(float_payload: bytes, made: bytes, data: CheckSet, rule: Rule) -> tuple[Scores, Scores]:
    """Of both files on each sample (N,), 0 to 1."""
    sessions = [Session(payload, warmup=0) for payload in (float_payload, made)]
    found = []
    for at, sample in enumerate(data):
        wanted, got = (rule.decide(_answer(session, sample)) for session in sessions)
        if data.labels is None:
            found.append((1.0, overlap(wanted, got, rule.threshold is not None)))
        else:
            right = data.labels[at]
            found.append((float(wanted[0] == right), float(got[0] == right)))
    single, integer = np.array(found, np.float64).T
    return single, integer


def overlap(wanted: NDArray[np.int64], got: NDArray[np.int64], only_one: bool) -> float:
    """Mean intersection over union of the classes in either; 1 where there is none. only_one: class
    0 is where nothing is decided, and does not count."""
    present = np.union1d(wanted, got)
    shares = [
        ((wanted == one) & (got == one)).sum() / ((wanted == one) | (got == one)).sum()
        for one in (present[present > 0] if only_one else present)
    ]
    return float(np.mean(shares)) if shares else 1.0


def bounds(lost: Scores, seed: int) -> tuple[float, float]:
    """One-sided 95 % bounds of the mean of points lost by each sample (N,), drawn in pairs."""
    if lost.any():
        return bootstrap(lambda chosen: float(lost[chosen].mean()), len(lost), seed=seed)
    # drawing again would show no spread: as many may differ as none in n allows
    most = 100 * upper_bound(0, len(lost))
    return -most, most


def _answer(session: Session, sample: NDArray[np.float32]) -> NDArray[Any]:
    return session.run({session.inputs[0].name: sample})[session.outputs[0].name]
