"""Three samples a class far from where the backbone learned: defects, digits, magnetic tiles."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Picture
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.directions import find
from edge_deploy.acceptance import detection
from edge_deploy.acceptance.fewshot import ASKED, GUIDE, GUIDE_TOOLS, MOST_FALSE, SHOTS, row
from edge_deploy.acceptance.patches import KINDS, MATERIALS, TILES, station_frames, tiles, told_of
from edge_deploy.characters import SIDE
from edge_deploy.fewshot.episodes import Episode, EpisodeSize, episodes, nearest
from edge_deploy.fewshot.features import backbone, extract
from edge_deploy.fewshot.patches import ink
from edge_deploy.fewshot.together import named_together

DEFECTS, FALSE_DEFECTS = "S4-D9-K1/defects-4-way", "S4-D9-K1/false-defects"
DIGITS, TILES_ID = "S4-D9-K1/digits-5-way", "S4-D9-K1/tiles-5-way"
TRANSFER, GAIN = "S2-T1/transfer", 5.0  # points
TOGETHER = "S4-D9-K1/digits-5-way-together"
EPISODES = {"quick": 600, "full": 2000}
PATCHES_EACH = {"quick": 15, "full": 60}  # of each kind and material
MORE_GOOD = {"quick": 105, "full": 400}  # good ones of each material beside
SHOWN = {"quick": 45, "full": 120}  # good ones of each material from which 3 at a time are shown
DIGITS_JUDGED = slice(1, None, 2)  # of each digit; by the others the strokes' width was chosen
BORDER_PX = 4
ROUND_PX, ROUND = 3.0, 0.7  # of a stroke's surroundings, how wide and how much is taken away
PAPER, INK = 0.1, 0.35  # of full ink, of what is left: what is paper and what is ink

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


def measure_defects(context: Context) -> Mapping[str, Measurement]:
    """Kinds of defect on three materials, with good surface as a kind of its own."""
    if find("inspection") is None:
        missing = not_measured("the direction inspection is not installed")
        return dict.fromkeys(
            (DEFECTS, FALSE_DEFECTS, *(one.id for one in detection.INDICATORS)), missing
        )
    each = PATCHES_EACH[context.size]

    def tell(done: int, total: int) -> None:
        context.progress(done, total, "simulated surfaces")

    shown, judged = SHOWN[context.size], each + MORE_GOOD[context.size]
    frames = station_frames(each, judged - each + shown, context.seed, tell)
    patches = {kind: np.stack([one.patch for one in own]) for kind, own in frames.items()}
    first, patches["good"] = np.split(patches["good"], [shown * len(MATERIALS)])
    told = told_of(list(first), SHOTS, judged, context.seed)
    inked = {
        kind: np.stack([ink(one, told[at % len(told)]) for at, one in enumerate(own)])
        for kind, own in patches.items()
    }
    payload = backbone()
    features = [extract(payload, inked[kind]) for kind in KINDS]
    digest = content_hash(*(patches[kind] for kind in KINDS), payload)
    count = EPISODES[context.size]
    right, alarms = _with_alarms(features, count, context.seed)
    note = (
        f"{len(right)} episodes of {each * len(MATERIALS)} patches a kind, {', '.join(MATERIALS)} "
        f"mixed, {SHOTS} learned and {ASKED} asked each; where a defect lies is given; for each "
        f"patch {SHOTS} good pictures of its material told how much must stand out of it, drawn "
        f"from {shown}"
    )
    picture = _picture(patches, inked)
    return {
        DEFECTS: row(right, context.seed, digest, note, (picture,)),
        FALSE_DEFECTS: row(alarms, context.seed, digest, note),
        **detection.measure(frames, shown, count, context.seed, digest),
    }


def _with_alarms(features: Sequence[U8], count: int, seed: int) -> tuple[F64, F64]:
    """Of each episode the share named rightly, and that of good patches named a defect."""
    right, alarms = [], []
    for episode in _in_order(features, count, seed):
        found = nearest(episode)
        right.append((found == episode.label).mean())
        is_good = episode.label == len(features) - 1
        alarms.append((found[is_good] != len(features) - 1).mean())
    return np.array(right), np.array(alarms)


def _in_order(features: Sequence[U8], count: int, seed: int) -> Iterator[Episode]:
    """Episodes of all classes, numbered as they come in `features`."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        drawn = np.stack([own[rng.permutation(len(own))[: SHOTS + ASKED]] for own in features])
        asked = drawn[:, SHOTS:].reshape(-1, drawn.shape[-1])
        yield Episode(drawn[:, :SHOTS], asked, np.repeat(np.arange(len(features)), ASKED))


def _picture(patches: Mapping[str, U8], inked: Mapping[str, U8]) -> Picture:
    shown = [
        np.hstack([cv2.resize(one, (SIDE * 2, SIDE * 2)) for one in which[kind][:9]])
        for kind in KINDS
        for which in (patches, inked)
    ]
    data = bytes(cv2.imencode(".png", np.vstack(shown))[1])
    return Picture(data, f"{', '.join(KINDS)}: 640 um of surface, and what stands out of it")


def measure_digits(context: Context) -> Mapping[str, Measurement]:
    """Handwritten digits of another hand, pen and resolution."""
    try:
        datasets: Any = importlib.import_module("sklearn.datasets")
    except ImportError:
        missing = not_measured("the set is part of scikit-learn: pip install 'lingnan[referee]'")
        return dict.fromkeys((DIGITS, TOGETHER, TRANSFER), missing)
    digits = datasets.load_digits()
    chosen = [np.flatnonzero(digits.target == value)[DIGITS_JUDGED] for value in range(10)]
    pictures = [np.stack([_written(digits.images[at]) for at in own]) for own in chosen]
    payload = backbone()
    features = [extract(payload, own) for own in pictures]
    size, count = EpisodeSize(5, SHOTS, ASKED), EPISODES[context.size]
    drawn = list(episodes(features, size, count, context.seed))
    plain = episodes([own.reshape(len(own), -1) for own in pictures], size, count, context.seed)
    digest = content_hash(*pictures, payload)
    note = f"{count} episodes, {min(map(len, chosen))} pictures of each digit, 8 x 8 px enlarged"
    right, together, pixels = (
        _share(drawn, nearest),
        _share(drawn, named_together),
        _share(plain, nearest),
    )
    beside = f"{note}; backbone {right.mean():.1%}, pixels {pixels.mean():.1%}"
    return {
        DIGITS: row(right, context.seed, digest, note),
        TOGETHER: row(together, context.seed, digest, note),
        TRANSFER: row(100 * (right - pixels), context.seed, digest, beside),
    }


def _share(drawn: Iterable[Episode], name: Callable[[Episode], NDArray[np.int64]]) -> F64:
    return np.array([(name(one) == one.label).mean() for one in drawn])


def _written(image: F64) -> U8:
    """(8, 8), 0 to 16, to (32, 32) with a border, and strokes as thin and steep as a pen's, which
    coarse pixels and enlarging took away."""
    side = SIDE - 2 * BORDER_PX
    large = cv2.resize(image.astype(np.float32) / 16, (side, side), interpolation=cv2.INTER_CUBIC)
    page = np.pad(large, BORDER_PX)
    thin = page - ROUND * cv2.GaussianBlur(page, (0, 0), ROUND_PX)
    steep = (thin - PAPER) / (INK - PAPER)
    return np.asarray(np.clip(steep * 255, 0, 255), np.uint8)


def measure_tiles(context: Context) -> Mapping[str, Measurement]:
    """Kinds of defect on real magnetic tiles, three tiles learned and other tiles asked."""
    root = context.data_root
    if root is None or not (root / TILES).is_dir():
        return {TILES_ID: not_measured(f"{TILES} is not under the data root")}
    kinds = tiles(root)
    count = EPISODES[context.size]
    right = np.array([_right(one) for one in _apart(kinds, count, context.seed)])
    files = sorted(path for path in (root / TILES).rglob("*.*") if "MT_Free" not in path.parts)
    note = (
        f"{count} episodes of {sum(map(len, kinds))} pictures; the regions are marked by hand; no "
        "tile is both learned and asked; every kind weighs the same"
    )
    return {TILES_ID: row(right, context.seed, context.data_hash(files), note)}


def _apart(
    kinds: Sequence[Sequence[tuple[int, U8]]], count: int, seed: int
) -> Iterator[list[tuple[U8, U8]]]:
    """By kind, what is learned (3 tiles, one picture each) and asked (at most 5 of others)."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        episode = []
        for kind in kinds:
            order = [kind[at] for at in rng.permutation(len(kind))]
            first = dict(reversed(order))
            learned = dict(list(first.items())[-SHOTS:])
            asked = [region for tile, region in order if tile not in learned][:ASKED]
            episode.append((np.stack(list(learned.values())), np.stack(asked)))
        yield episode


def _right(episode: Sequence[tuple[U8, U8]]) -> float:
    """Mean over the kinds of the share named rightly."""
    learned = np.stack([own for own, _ in episode])
    asked = np.concatenate([own for _, own in episode])
    label = np.repeat(np.arange(len(episode)), [len(own) for _, own in episode])
    found = nearest(Episode(learned, asked, label))
    return float(np.mean([(found[label == at] == at).mean() for at in range(len(episode))]))


EXPERIMENTS = (
    Experiment(
        "few-shot-defects",
        (
            Indicator(
                DEFECTS,
                "3 samples a kind tell points, scratches, stains and good surface apart.",
                GUIDE,
                "fraction",
                ">=",
                0.95,
                "simulated",
                "Patches of 640 um from inspection's simulated station, centred on the defect as "
                "its truth tells: points and scratches of 40 um, stains of 300 um. What stands out "
                "of the ground is filled and turned upright, then the backbone that learned "
                "characters and the integer head. Bootstrap over episodes, which draw from one "
                "pool.",
            ),
            Indicator(
                FALSE_DEFECTS,
                "Of patches of good surface less than 5 % are named a defect.",
                GUIDE,
                "fraction",
                "<=",
                MOST_FALSE,
                "simulated",
                "The same episodes.",
            ),
            *detection.INDICATORS,
        ),
        measure_defects,
    ),
    Experiment(
        "few-shot-digits",
        (
            Indicator(
                DIGITS,
                "3 samples a class tell 5 handwritten digits apart.",
                GUIDE,
                "fraction",
                ">=",
                0.95,
                "public-data",
                "The digits of scikit-learn (UCI, 8 x 8 px) through the backbone that learned "
                "characters; their strokes are made as thin as a pen's first. Every other picture, "
                "which the choice of how thin did not see. Bootstrap over episodes.",
            ),
            Indicator(
                TOGETHER,
                "The same, where the 25 digits asked are named together and teach the head too.",
                GUIDE,
                "fraction",
                ">=",
                0.95,
                "public-data",
                "The same episodes; transductive: the asked samples, without their labels, move "
                "the means (self-training by the integer head). Bootstrap over episodes.",
            ),
            Indicator(
                TRANSFER,
                "Transfer learning: what was learned on characters is worth at least 5 points on "
                "handwritten digits.",
                GUIDE_TOOLS,
                "points",
                ">=",
                GAIN,
                "public-data",
                "The same episodes and the same head, on the backbone's features and on the 32 x "
                "32 pixels themselves: the difference. Bootstrap over episodes. Target: the "
                "project's own.",
            ),
        ),
        measure_digits,
    ),
    Experiment(
        "few-shot-tiles",
        (
            Indicator(
                TILES_ID,
                "3 samples a kind tell 5 kinds of defect on magnetic tiles apart (the project's "
                "own target).",
                GUIDE,
                "fraction",
                ">=",
                0.75,
                "public-data",
                "Size, shape and light of the region marked by hand, twelve bytes, which were "
                "chosen on these pictures, to the integer head. Nothing else is learned from the "
                "set beforehand. Bootstrap over episodes.",
            ),
        ),
        measure_tiles,
    ),
)
