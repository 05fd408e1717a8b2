"""What generated defects are worth on real boards beside their golden images (DeepPCB).

The learner is that of the comparison with a golden image: logistic regression that tells regions
of difference which are defects from those which are noise. Every board is judged by one taught on
few real defects of the other boards, with and without defects put onto those boards' pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from inspection.acceptance.made import GUIDE
from inspection.generate.canvas import Maker, Rng
from inspection.generate.circuit import Circuit
from inspection.generate.learned import shipped
from inspection.generate.request import DefectRequest, RequestError
from inspection.layouts.load import lesson
from inspection.layouts.table import reader
from inspection.methods import logistic
from inspection.methods.base import Lesson
from inspection.methods.golden import Compared, compare, regions_of_boxes
from inspection.methods.logistic import Logistic
from inspection.models.features import grey_of

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

DATA = "deeppcb"
SIZES_PX = (6.0, 40.0)  # of an ordered defect, evenly in the logarithm
SEVERITIES = (0.2, 1.0)
REGIONS = 600  # of each class in a lesson of the learner
RESAMPLES = 400
METHODS = ("procedural", "learned")
# real defects, real and generated ones, generated ones and no real one
ARMS = ("real", *METHODS, *(f"{method} alone" for method in METHODS))


@dataclass(frozen=True, slots=True)
class Effort:
    """images: of the set, drawn. draws: choices of the few real defects. made: pictures that carry
    generated defects, by each method. few: real defects a kind; the first is the row's."""

    images: int
    draws: int
    made: int
    few: tuple[int, ...]


EFFORT = {
    "quick": Effort(images=50, draws=5, made=12, few=(3, 1)),
    "full": Effort(images=110, draws=20, made=55, few=(3, 1, 10)),
}
ROWS = {
    method: Indicator(
        id=f"S4-D2-R2/worth-{DATA}-{method}",
        claim=f"Defects by the {method} method raise the average precision on real boards when "
        "three real ones a kind are at hand.",
        guide=GUIDE,
        unit="AP",
        comparator=">",
        target=0.0,
        evidence="public-data",
        method="Difference in average precision of telling defects from noise among the regions "
        "that differ from the golden image, with and without generated defects, the same real "
        "ones; leave one board out, mean over draws of the real defects. Bounds by bootstrap over "
        "images.",
    )
    for method in METHODS
}


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """An image of a board: features (N, D) of its regions; the true box that each lies in, -1 for
    none; the kinds of the true boxes."""

    board: str
    features: F32
    box: NDArray[np.int64]
    kinds: tuple[str, ...]


def measure(context: Context) -> Mapping[str, Measurement]:
    """The rows of both methods."""
    root = None if context.data_root is None else context.data_root / DATA / "dev"
    if root is None or not root.is_dir():
        reason = f"the data set {DATA} is absent: name the folder of data sets in LINGNAN_DATA"
        return {row.id: not_measured(reason) for row in ROWS.values()}
    effort = EFFORT[context.size]
    lessons, files = _some(root, effort.images, context.seed)
    trial = Trial.of(lessons, effort, context)
    runs = {few: trial.run(few) for few in effort.few}
    digest, plot = context.data_hash(files), _plot(runs, trial, context.seed)
    return {
        ROWS[method].id: _measured(runs[effort.few[0]], method, trial, context.seed, digest, plot)
        for method in METHODS
    }


def _some(root: Path, images: int, seed: int) -> tuple[list[Lesson], list[Path]]:
    samples = reader(DATA)(root, "refuse").samples
    order = np.random.default_rng([seed, 17]).permutation(len(samples))[:images]
    kept = [samples[i] for i in sorted(order.tolist())]
    files = [p for s in kept for p in (s.image_path, s.reference_path) if p is not None]
    return [lesson(sample) for sample in kept], files


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """The images as compared, and of each method the generated regions by board."""

    seen: Sequence[Seen]
    made: Mapping[str, Mapping[str, F32]]
    effort: Effort
    seed: int

    @classmethod
    def of(cls, lessons: Sequence[Lesson], effort: Effort, context: Context) -> Trial:
        """Compare all images once; generate on some of them, evenly."""
        seen = []
        for i, one in enumerate(lessons):
            compared = _compared(one.image, one)
            found = regions_of_boxes(compared, one)
            seen.append(Seen(one.part, compared.features, found, one.box_kinds))
            context.progress(i + 1, len(lessons), "comparing boards")
        makers: tuple[tuple[str, Maker], ...] = (("procedural", Circuit()), ("learned", shipped()))
        chosen = lessons[:: max(1, len(lessons) // effort.made)][: effort.made]
        made = {}
        for name, maker in makers:
            rng = np.random.default_rng([context.seed, 18])
            by_board: dict[str, list[F32]] = {}
            for one in chosen:
                by_board.setdefault(one.part, []).append(generated(one, maker, rng))
            made[name] = {board: np.concatenate(parts) for board, parts in by_board.items()}
        return cls(seen, made, effort, context.seed)

    @property
    def boards(self) -> list[str]:
        """All there are, sorted."""
        return sorted({one.board for one in self.seen})

    def run(self, few: int) -> dict[str, list[Ranking]]:
        """For each arm of `ARMS` a ranking for each draw."""
        arms: dict[str, list[Ranking]] = {arm: [] for arm in ARMS}
        for draw in range(self.effort.draws):
            scores: dict[str, list[F64]] = {arm: [np.zeros(0)] * len(self.seen) for arm in arms}
            for number, board in enumerate(self.boards):
                rng = np.random.default_rng([self.seed, few, draw, number, 19])
                for arm, model in self._taught(few, board, rng).items():
                    for i, one in enumerate(self.seen):
                        if one.board == board:
                            scores[arm][i] = model.logit(one.features)
            for arm, of_arm in scores.items():
                arms[arm].append(Ranking.of(self.seen, of_arm))
        return arms

    def _taught(self, few: int, board: str, rng: Rng) -> dict[str, Logistic]:
        others = [one for one in self.seen if one.board != board]
        noise = np.concatenate([one.features[one.box < 0] for one in others])
        noise, real = drawn(noise, REGIONS, rng), few_of(others, few, rng)
        models = {"real": _fit(noise, drawn(real, REGIONS, rng))}
        for method in METHODS:
            parts = [made for name, made in self.made[method].items() if name != board]
            made = np.concatenate(parts)
            halves = [drawn(part, REGIONS // 2, rng) for part in (real, made)]
            models[method] = _fit(noise, np.concatenate(halves))
            models[f"{method} alone"] = _fit(noise, drawn(made, REGIONS, rng))
        return models


def few_of(seen: Sequence[Seen], few: int, rng: Rng) -> F32:
    """The regions (N, D) of `few` true defects a kind."""
    chosen = []
    for kind in sorted({kind for one in seen for kind in one.kinds}):
        there = [
            one.features[one.box == j]
            for one in seen
            for j, of in enumerate(one.kinds)
            if of == kind and (one.box == j).any()
        ]
        chosen += [there[i] for i in rng.permutation(len(there))[:few]]
    return np.concatenate(chosen)


def generated(one: Lesson, maker: Maker, rng: Rng) -> F32:
    """The regions (N, D) that defects of all kinds the maker knows, put onto the picture, make."""
    image, where = grey_of(one.image), np.zeros(one.image.shape[:2], bool)
    for kind in maker.kinds:
        size = float(np.exp(rng.uniform(*np.log(SIZES_PX))))
        request = DefectRequest(kind=kind, size_px=size, severity=rng.uniform(*SEVERITIES))
        try:
            sample = maker.make(image, request, rng)
        except RequestError:  # this pattern has no room for that one
            continue
        image, where = sample.image, where | sample.mask
    compared = _compared(image, one)
    real = regions_of_boxes(compared, one) >= 0
    made = [_share(where, r.box_px, r.mask) >= 0.5 for r in compared.regions]
    return compared.features[np.array(made, bool) & ~real]


def _compared(image: NDArray[np.uint8], one: Lesson) -> Compared:
    assert one.reference is not None
    return compare(grey_of(image), grey_of(one.reference))


def _share(where: NDArray[np.bool_], box: tuple[int, ...], mask: NDArray[np.bool_]) -> float:
    x0, y0, x1, y1 = box
    return float(where[y0:y1, x0:x1][mask].mean())


def drawn(rows: F32, count: int, rng: Rng) -> F32:
    """`count` rows; with repetition where there are fewer."""
    return rows[rng.choice(len(rows), count, replace=len(rows) < count)]


def _fit(noise: F32, defects: F32) -> Logistic:
    x = np.concatenate([noise, defects])
    return logistic.fit(x, np.arange(len(x)) >= len(noise))


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """All regions, the surest first: the image of each and whether it is a defect's; n_true (M,)
    true defects an image. Of a defect in several regions only the surest counts."""

    image: NDArray[np.int64]
    is_defect: NDArray[np.bool_]
    n_true: NDArray[np.int64]

    @classmethod
    def of(cls, seen: Sequence[Seen], scores: Sequence[F64]) -> Ranking:
        """From the scores (N,) of each image's regions."""
        sizes = [len(one.box) for one in seen]
        image = np.repeat(np.arange(len(seen)), sizes)
        box = np.concatenate([one.box for one in seen])
        order = np.argsort(-np.concatenate(list(scores)), kind="stable")
        image, box = image[order], box[order]
        again = np.ones(len(order), bool)
        again[np.unique(np.stack([image, box]), axis=1, return_index=True)[1]] = False
        kept = ~again | (box < 0)
        return cls(image[kept], box[kept] >= 0, np.array([len(one.kinds) for one in seen]))

    def average_precision(self, chosen: NDArray[np.int64]) -> float:
        """Over the images `chosen` by number, with repetition."""
        times = np.bincount(chosen, minlength=len(self.n_true)).astype(np.float64)
        weight = times[self.image]
        right = np.cumsum(weight * self.is_defect)
        precision = right / np.maximum(np.cumsum(weight), 1e-12)
        gained = (weight * self.is_defect * precision).sum()
        return float(gained / (times * self.n_true).sum())


def gain(arms: Mapping[str, Sequence[Ranking]], method: str, chosen: NDArray[np.int64]) -> float:
    """Mean over draws of the difference in average precision."""
    pairs = zip(arms[method], arms["real"], strict=True)
    return float(
        np.mean([a.average_precision(chosen) - b.average_precision(chosen) for a, b in pairs])
    )


def _bounds(
    arms: Mapping[str, Sequence[Ranking]], method: str, trial: Trial, seed: int
) -> tuple[float, float]:
    return bootstrap(
        lambda i: gain(arms, method, i), len(trial.seen), seed=seed, resamples=RESAMPLES
    )


def _measured(
    arms: Mapping[str, Sequence[Ranking]],
    method: str,
    trial: Trial,
    seed: int,
    digest: str,
    plot: Plot,
) -> Measurement:
    every, effort = np.arange(len(trial.seen)), trial.effort
    mean = {arm: np.mean([r.average_precision(every) for r in arms[arm]]) for arm in arms}
    counts = [sum(map(len, trial.made[method].values())), sum(len(s.kinds) for s in trial.seen)]
    note = (
        f"AP {mean['real']:.4f} with real defects alone, {mean[method]:.4f} with generated ones "
        f"too, {mean[f'{method} alone']:.4f} with generated ones and no real one; {counts[1]} true "
        f"defects on {len(trial.seen)} images of {len(trial.boards)} boards, {effort.draws} draws "
        f"of {effort.few[0]} a kind, {counts[0]} generated regions."
    )
    value = gain(arms, method, every)
    return Measurement(
        value, *_bounds(arms, method, trial, seed), len(trial.seen), digest, note, (plot,)
    )


def _plot(runs: Mapping[int, Mapping[str, Sequence[Ranking]]], trial: Trial, seed: int) -> Plot:
    few, every = sorted(runs), np.arange(len(trial.seen))
    series = []
    for k, method in enumerate(METHODS):
        bounds = [_bounds(runs[n], method, trial, seed) for n in few]
        gains = [gain(runs[n], method, every) for n in few]
        low, high = zip(*bounds, strict=True)
        apart = [n * (1 + 0.06 * k) for n in few]
        series.append(Series(method, apart, gains, list(low), list(high), kind="points"))
    return Plot(
        title="What generated defects add on real boards",
        x_label="real defects taught [a kind]",
        y_label="difference in average precision",
        series=tuple(series),
        lines=(ReferenceLine("no difference", 0.0),),
    )


EXPERIMENTS = (Experiment("generated-worth-deeppcb", tuple(ROWS.values()), measure),)
