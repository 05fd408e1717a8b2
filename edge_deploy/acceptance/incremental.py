"""Classes and appearances that come one after the other: what is known at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Comparator, Indicator
from common.acceptance.measurement import Measurement, not_measured, resampled
from common.acceptance.resampling import bootstrap
from edge_deploy import characters
from edge_deploy.acceptance.fewshot import ALPHABETS
from edge_deploy.fewshot.features import backbone, extract
from edge_deploy.incremental.course import Increment, Marks, drawn, marks, replaced
from edge_deploy.incremental.growing import Growing
from edge_deploy.incremental.softmax import Softmax

JOINT, NAIVE, FORGETTING = (
    f"S4-D9-R2/{word}" for word in ("beside-joint", "beside-fine-tuning", "forgetting")
)
SHRINKS, KEEPS = (f"S4-D9-R2/{word}" for word in ("shrinks", "shrunk-accuracy"))
GUIDE = "网络结构动态优化调整"
EACH, LATER = 5, 3  # new classes an increment; increments until their second appearance
COURSES = {"quick": 5, "full": 20}
STAYS, PATIENCE = 3, 2  # increments that an appearance is there, and that it is missed
SLANT, SMALLER = 0.5, 0.75  # of the second appearance

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


def measure(context: Context) -> Mapping[str, Measurement]:
    """All rows: several courses, each with its own order and people."""
    root = context.data_root
    if root is None or not (root / characters.ARCHIVE).is_file():
        missing = not_measured(f"{characters.ARCHIVE} is not under the data root")
        return dict.fromkeys((JOINT, NAIVE, FORGETTING, SHRINKS, KEEPS), missing)
    every = characters.alphabets(root)
    pages = [page for name in ALPHABETS for page in every[name]]
    payload = backbone()
    plain, changed = [], []
    for at, own in enumerate(pages):
        context.progress(at, len(pages), "features of characters")
        plain.append(extract(payload, np.stack([characters.shrunk(page) for page in own])))
        other = [characters.shrunk(_slanted(page)) for page in own]
        changed.append(extract(payload, np.stack(other)))
    found, shrunk = [], []
    for at in range(COURSES[context.size]):
        context.progress(at, COURSES[context.size], "courses")
        seed = context.seed * 100 + at
        found.append(_course(drawn(plain, changed, EACH, LATER, seed)))
        shrunk.append(_both(replaced(plain, changed, EACH, STAYS, seed)))
    digest = content_hash(*plain, *changed, payload)
    return _rows(found, context.seed, digest) | _shrunk(np.array(shrunk), context.seed, digest)


def _slanted(page: U8) -> U8:
    middle = np.full(2, len(page) / 2)
    matrix = np.array([[SMALLER, -SLANT * SMALLER], [0.0, SMALLER]])
    moved = np.column_stack([matrix, middle - matrix @ middle])
    return np.asarray(cv2.warpAffine(page, moved, page.shape), np.uint8)


def _course(course: Sequence[Increment]) -> tuple[Marks, Marks, float, list[int]]:
    """Growing, fine-tuning, the share that joint training reaches, units after each increment."""
    features = course[0].samples.shape[1]
    classes = 1 + max(int(one.labels.max()) for one in course)
    rng = np.random.default_rng(0)  # of the samples kept to validate by
    growing, naive, joint = Growing(features), *(Softmax(features, classes) for _ in range(2))
    units: list[int] = []

    def learn(one: Increment) -> None:
        growing.learn(one.samples, one.labels, rng)
        units.append(len(growing.units))

    grown = marks(course, learn, growing.answer)
    tuned = marks(course, lambda one: naive.train(one.samples, one.labels), naive.answer)
    joint.train(
        np.concatenate([one.samples for one in course]),
        np.concatenate([one.labels for one in course]),
    )
    best = float(np.mean([(joint.answer(one.asked) == one.wanted).mean() for one in course]))
    return grown, tuned, best, units


def _rows(
    found: Sequence[tuple[Marks, Marks, float, list[int]]], seed: int, digest: str
) -> dict[str, Measurement]:
    grown = np.array([one.final for one, _, _, _ in found])
    tuned = np.array([one.final for _, one, _, _ in found])
    joint = np.array([best for _, _, best, _ in found])
    fell = np.array([one.forgetting for one, _, _, _ in found])
    fell_tuned = float(np.mean([one.forgetting for _, one, _, _ in found]))
    units = np.array([each for _, _, _, each in found])
    note = (
        f"{len(found)} courses of {units.shape[1]} increments; at the end {grown.mean():.1%} "
        f"right, joint training {joint.mean():.1%}, fine-tuning {tuned.mean():.1%}; "
        f"{units[:, -1].mean():.1f} units for 50 classes of two appearances, at most "
        f"{units.max(1).mean():.1f} on the way"
    )
    forgot = f"{note}; fine-tuning forgets {fell_tuned:.1%}"
    return {
        JOINT: _row(100 * (joint - grown), seed, digest, note, (_plot(found),)),
        NAIVE: _row(100 * (grown - tuned), seed, digest, note, (_structure(units),)),
        FORGETTING: _row(100 * fell, seed, digest, forgot, ()),
    }


def _both(course: Sequence[Increment]) -> F64:
    """(2, 3, increments): without and with patience, the units, the share of what is there that is
    named rightly, and the appearances that are there."""
    told = []
    for patience in (None, PATIENCE):
        net, rng = Growing(course[0].samples.shape[1], patience=patience), np.random.default_rng(0)
        after = []
        for one in course:
            net.learn(one.samples, one.labels, rng)
            right = (net.answer(one.asked) == one.wanted).mean()
            after.append((len(net.units), right, len(np.unique(one.wanted))))
        told.append(np.array(after).T)
    return np.array(told)


def _shrunk(found: F64, seed: int, digest: str) -> dict[str, Measurement]:
    """found (courses, 2, 3, increments) as `_both` tells them."""
    units, right, there = (found[:, :, at] for at in range(3))
    share = units[:, 1, -1] / units[:, 0, -1]
    lost = 100 * (right[:, 0] - right[:, 1]).mean(1)
    note = (
        f"{len(found)} courses of {found.shape[-1]} increments; at the end "
        f"{units[:, 1, -1].mean():.1f} units, at most {units[:, 1].max(1).mean():.1f} on the way, "
        f"{units[:, 0, -1].mean():.1f} where none is given up; {there[:, 1, -1].mean():.0f} "
        f"appearances are there at the end, at most {there[:, 1].max():.0f}; of what is there "
        f"{right[:, 1].mean():.1%} named rightly over all increments, {right[:, 0].mean():.1%} "
        "where none is given up"
    )
    at = np.arange(1, found.shape[-1] + 1)
    series = [
        Series(name, at, own.mean(0), own.min(0), own.max(0), kind="step")
        for name, own in (
            ("none given up", units[:, 0]),
            ("shrinking", units[:, 1]),
            ("appearances that are there", there[:, 1]),
        )
    ]
    plot = Plot("The structure, appearances replaced", "increment", "units", tuple(series))
    return {
        SHRINKS: _row(share, seed, digest, note, (plot,)),
        KEEPS: _row(lost, seed, digest, note, ()),
    }


def _row(each: F64, seed: int, digest: str, note: str, plots: tuple[Plot, ...]) -> Measurement:
    bounds = bootstrap(lambda chosen: float(each[chosen].mean()), len(each), seed=seed)
    return resampled(float(each.mean()), bounds, len(each), digest, note, plots)


def _plot(found: Sequence[tuple[Marks, Marks, float, list[int]]]) -> Plot:
    grown = np.stack([one.after_each for one, _, _, _ in found])
    tuned = np.stack([one.after_each for _, one, _, _ in found])
    at = np.arange(1, grown.shape[1] + 1)
    best = float(np.mean([one for _, _, one, _ in found]))
    series = (
        Series("growing", at, grown.mean(0), grown.min(0), grown.max(0)),
        Series("fine-tuning", at, tuned.mean(0), tuned.min(0), tuned.max(0)),
        Series("joint training at the end", [at[-1]], [best], kind="points"),
    )
    return Plot("All that came so far", "increment", "share named rightly", series)


def _structure(units: NDArray[np.int64]) -> Plot:
    at = np.arange(1, units.shape[1] + 1)
    series = (Series("units", at, units.mean(0), units.min(0), units.max(0), kind="step"),)
    return Plot("The structure", "increment", "units", series)


def _indicator(name: str, claim: str, comparator: Comparator, target: float) -> Indicator:
    how = (
        "Omniglot's Greek and Latin, of which the backbone learned nothing: five new characters an "
        "increment, three increments later the same slanted and small; a quarter of the people is "
        "asked and never learned. Both peers are a linear softmax layer on the same features. "
        "Bootstrap over courses, whose order and people differ. Target: the project's own."
    )
    return Indicator(name, claim, GUIDE, "points", comparator, target, "public-data", how)


WITHDRAWN = (
    f"The same characters; each comes for {STAYS} increments, by other people each time, then "
    "slanted and small in its place for as many, then never again. A prototype that nothing came "
    f"to for {PATIENCE} increments is given up. Asked are, after every increment, the characters "
    "that are there, by people never learned. Bootstrap over courses. Target: the project's own."
)

EXPERIMENTS = (
    Experiment(
        "incremental",
        (
            _indicator(
                JOINT,
                "After 13 increments the growing classifier is at most 3 points below training on "
                "everything at once.",
                "<=",
                3.0,
            ),
            _indicator(
                NAIVE,
                "After 13 increments it is at least 10 points above fine-tuning.",
                ">=",
                10.0,
            ),
            _indicator(FORGETTING, "It forgets at most 5 points of what it knew.", "<=", 5.0),
            Indicator(
                SHRINKS,
                "Where appearances are replaced and classes withdrawn, it ends with at most half "
                "the prototypes of one that gives none up.",
                GUIDE,
                "ratio",
                "<=",
                0.5,
                "public-data",
                WITHDRAWN,
            ),
            Indicator(
                KEEPS,
                "By that it loses at most 1 point of what is there.",
                GUIDE,
                "points",
                "<=",
                1.0,
                "public-data",
                WITHDRAWN,
            ),
        ),
        measure,
    ),
)
