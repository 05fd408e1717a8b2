"""What generated defects are worth: taught with and without them on the same real samples, judged
on the same real parts, which neither saw.

The learner is fixed and plain, so that the difference is that of what it was taught: logistic
regression on the analytic features of 4 x 4 px cells, an image's score the mean over its worst
cells. It stands where few real defects are at hand, `FEW` of each kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from inspection.acceptance.by_part import folds
from inspection.acceptance.grounds import GROUNDS, METHODS, Ground
from inspection.acceptance.made import GUIDE
from inspection.acceptance.wares import some_made
from inspection.generate.canvas import Maker
from inspection.generate.learned import shipped
from inspection.generate.procedural import Procedural
from inspection.methods import logistic
from inspection.methods.anomaly import shipped_bank
from inspection.methods.base import Lesson
from inspection.methods.logistic import Logistic
from inspection.metrics.roc import auroc
from inspection.models.features import FeatureBank, canonical, grey_of, share_of_cells

F16 = NDArray[np.float16]
F32 = NDArray[np.float32]
Rng = np.random.Generator

COVERED = 0.3  # a cell is defective from this share on
CELLS = 2000  # of each class in a lesson of the learner
PER_PICTURE = 60  # of them at most from one good picture, and from one generated defect
WORST_SHARE = 0.002
RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Effort:
    """images: of a set, whole parts drawn until there are so many. draws: choices of the few real
    defects. made: generated defects a fold and method. few: real defects a kind, one series each;
    the first is the row's."""

    images: int
    folds: int
    draws: int
    made: int
    few: tuple[int, ...]


EFFORT = {
    "quick": Effort(images=300, folds=2, draws=2, made=32, few=(3,)),
    "full": Effort(images=10_000, folds=5, draws=10, made=160, few=(3, 1, 10)),
}


def indicators(ground: Ground) -> dict[str, Indicator]:
    """The row of each method."""
    return {
        method: Indicator(
            id=f"S4-D2-R2/worth-{ground.tag}-{method}",
            claim=f"Defects by the {method} method raise the image AUROC on {ground.name} when "
            "three real ones a kind are at hand.",
            guide=GUIDE,
            unit="AUROC",
            comparator=">",
            target=0.0,
            evidence="public-data",
            method="Difference in image AUROC with and without generated defects, the same real "
            "samples, cross-validated by part, mean over draws of the real defects. Bounds by "
            "bootstrap over parts.",
        )
        for method in METHODS
    }


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A lesson's cells: features (N, D) of all, the numbers of the defective ones."""

    cells: F16
    bad: NDArray[np.int64]


def measure(ground: Ground, context: Context) -> Mapping[str, Measurement]:
    """The rows of one set."""
    rows = indicators(ground)
    root = None if context.data_root is None else context.data_root / ground.folder / "dev"
    if root is None or not root.is_dir():
        reason = f"the data set {ground.folder} is absent: name its folder's in LINGNAN_DATA"
        return {row.id: not_measured(reason) for row in rows.values()}
    effort = EFFORT[context.size]
    lessons, files = ground.some(root, effort.images, context.seed)
    trial = Trial.of(ground, lessons, effort, context)
    runs = {few: trial.run(few) for few in effort.few}
    digest = context.data_hash(files)
    plot = _plot(ground, runs, trial, context)
    return {
        rows[method].id: _measured(runs[effort.few[0]], method, trial, context, digest, plot)
        for method in METHODS
    }


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A set, its features, and for each fold and method the cells of generated defects."""

    lessons: Sequence[Lesson]
    seen: Sequence[Seen]
    fold_of: NDArray[np.int64]
    made: Mapping[tuple[int, str], F32]
    effort: Effort
    seed: int

    @classmethod
    def of(
        cls, ground: Ground, lessons: Sequence[Lesson], effort: Effort, context: Context
    ) -> Trial:
        """Describe all samples once; generate on the good ones of the other folds."""
        bank = shipped_bank()
        seen = []
        for i, one in enumerate(lessons):
            seen.append(_seen(one.image, one.mask, bank))
            context.progress(i + 1, len(lessons), "describing samples")
        fold_of = folds(lessons, effort.folds, context.seed)
        makers: tuple[Maker, ...] = (Procedural(), shipped())
        made = {}
        for fold in range(effort.folds):
            good = [
                one.image
                for one, of in zip(lessons, fold_of, strict=True)
                if one.is_good and of != fold
            ]
            for maker in makers:
                rng = np.random.default_rng([context.seed, fold, 8])
                samples = some_made(good, maker, ground.kinds[maker.name], effort.made, rng)
                cells = [_bad_cells(_seen(s.image, s.mask, bank), rng) for s in samples]
                made[fold, maker.name] = np.concatenate(cells)
                context.progress(fold + 1, effort.folds, "generating defects")
        return cls(lessons, seen, fold_of, made, effort, context.seed)

    @property
    def is_defect(self) -> NDArray[np.bool_]:
        """(N,) the truth."""
        return np.array([not one.is_good for one in self.lessons])

    @property
    def parts(self) -> NDArray[np.str_]:
        """(N,) the part of each."""
        return np.array([one.part for one in self.lessons])

    def run(self, few: int) -> dict[str, NDArray[np.float64]]:
        """Scores (draws, N) of each arm: "real" alone, and with each method's defects."""
        arms = {arm: np.zeros((self.effort.draws, len(self.lessons))) for arm in ("real", *METHODS)}
        for draw in range(self.effort.draws):
            for fold in range(self.effort.folds):
                judged = np.flatnonzero(self.fold_of == fold)
                for arm, model in self._taught(few, draw, fold).items():
                    arms[arm][draw, judged] = [
                        score(model, self.seen[i].cells) for i in judged.tolist()
                    ]
        return arms

    def _taught(self, few: int, draw: int, fold: int) -> dict[str, Logistic]:
        rng = np.random.default_rng([self.seed, few, draw, fold, 9])
        taught = np.flatnonzero(self.fold_of != fold).tolist()
        chosen = few_of(self.lessons, self.seen, taught, few, rng)
        good = np.concatenate(
            [
                _drawn(self.seen[i].cells, PER_PICTURE, rng)
                for i in taught
                if self.lessons[i].is_good
            ]
        )
        good = _drawn(good, CELLS, rng)
        real = np.concatenate([self.seen[i].cells[self.seen[i].bad] for i in chosen])
        models = {"real": _fit(good, _drawn(real, CELLS, rng))}
        for method in METHODS:
            half = (_drawn(part, CELLS // 2, rng) for part in (real, self.made[fold, method]))
            models[method] = _fit(good, np.concatenate(list(half)))
        return models


def few_of(
    lessons: Sequence[Lesson], seen: Sequence[Seen], taught: Sequence[int], few: int, rng: Rng
) -> list[int]:
    """Numbers of `few` defective lessons a kind, of different parts while there are any."""
    chosen: list[int] = []
    usable = [i for i in taught if len(seen[i].bad)]
    for kind in sorted({lessons[i].kind for i in usable}):
        order = rng.permutation([i for i in usable if lessons[i].kind == kind]).tolist()
        first = {lessons[i].part: i for i in reversed(order)}
        fresh = [i for i in order if first[lessons[i].part] == i]
        again = [i for i in order if first[lessons[i].part] != i]
        chosen += [*fresh, *again][:few]
    return chosen


def score(model: Logistic, cells: F16) -> float:
    """The mean logit over an image's worst cells."""
    logits = model.logit(cells.astype(np.float32))
    count = max(1, round(WORST_SHARE * len(logits)))
    return float(np.partition(logits, -count)[-count:].mean())


def _seen(image: NDArray[np.uint8], mask: NDArray[np.bool_] | None, bank: FeatureBank) -> Seen:
    small = canonical(grey_of(image))
    cells = bank(small).astype(np.float16)
    share = np.zeros(cells.shape[:2], np.float32)
    if mask is not None and mask.any():
        share = share_of_cells(mask, (small.shape[0], small.shape[1]))
    bad = np.flatnonzero(share >= min(COVERED, max(float(share.max()), 1e-6)))
    return Seen(cells.reshape(-1, cells.shape[-1]), bad)


def _bad_cells(seen: Seen, rng: Rng) -> F32:
    return _drawn(seen.cells[seen.bad], min(PER_PICTURE, len(seen.bad)), rng)


def _drawn(cells: NDArray[np.floating], count: int, rng: Rng) -> F32:
    """`count` rows; with repetition where there are fewer."""
    picked = rng.choice(len(cells), count, replace=len(cells) < count)
    return cells[picked].astype(np.float32)


def _fit(good: F32, bad: F32) -> Logistic:
    x = np.concatenate([good, bad])
    return logistic.fit(x, np.arange(len(x)) >= len(good))


def gain(
    arms: Mapping[str, NDArray[np.float64]], method: str, is_defect: NDArray[np.bool_]
) -> float:
    """Mean over draws of the difference in image AUROC."""
    pairs = zip(arms[method], arms["real"], strict=True)
    return float(np.mean([auroc(is_defect, a) - auroc(is_defect, b) for a, b in pairs]))


def _bounds(
    arms: Mapping[str, NDArray[np.float64]], method: str, trial: Trial, seed: int
) -> tuple[float, float]:
    """Over parts; good and defective parts keep their numbers."""
    defective = set(trial.parts[trial.is_defect].tolist())
    return bootstrap(
        lambda i: gain({arm: s[:, i] for arm, s in arms.items()}, method, trial.is_defect[i]),
        len(trial.lessons),
        seed=seed,
        resamples=RESAMPLES,
        clusters=trial.parts,
        strata=[part in defective for part in trial.parts.tolist()],
    )


def _measured(
    arms: Mapping[str, NDArray[np.float64]],
    method: str,
    trial: Trial,
    context: Context,
    digest: str,
    plot: Plot,
) -> Measurement:
    truth, effort = trial.is_defect, trial.effort
    mean = {arm: np.mean([auroc(truth, one) for one in scores]) for arm, scores in arms.items()}
    note = (
        f"AUROC {mean['real']:.3f} with real defects alone, {mean[method]:.3f} with generated ones "
        f"too; {(~truth).sum()} good and {truth.sum()} defective images of "
        f"{len(set(trial.parts.tolist()))} parts, {effort.folds} folds, {effort.draws} draws of "
        f"{effort.few[0]} a kind, {effort.made} generated a fold."
    )
    value = gain(arms, method, truth)
    low, high = _bounds(arms, method, trial, context.seed)
    return Measurement(value, low, high, len(truth), digest, note, (plot,))


def _plot(
    ground: Ground,
    runs: Mapping[int, Mapping[str, NDArray[np.float64]]],
    trial: Trial,
    context: Context,
) -> Plot:
    series = []
    for k, method in enumerate(METHODS):
        few = sorted(runs)
        bounds = [_bounds(runs[n], method, trial, context.seed) for n in few]
        series.append(
            Series(
                method,
                [n * (1 + 0.06 * k) for n in few],  # side by side
                [gain(runs[n], method, trial.is_defect) for n in few],
                [low for low, _ in bounds],
                [high for _, high in bounds],
                kind="points",
            )
        )
    return Plot(
        title=f"What generated defects add on {ground.name}",
        x_label="real defects taught [a kind]",
        y_label="difference in image AUROC",
        series=tuple(series),
        lines=(ReferenceLine("no difference", 0.0),),
    )


EXPERIMENTS = tuple(
    Experiment(
        f"generated-worth-{ground.tag}",
        tuple(indicators(ground).values()),
        partial(measure, ground),
    )
    for ground in GROUNDS
)
