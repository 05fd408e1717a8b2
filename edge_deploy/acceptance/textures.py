"""Three samples a kind on rolled steel: defects that are a texture of the whole picture (NEU)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from edge_deploy.acceptance.fewshot import ASKED, GUIDE, SHOTS, row
from edge_deploy.fewshot.discriminant import told_apart
from edge_deploy.fewshot.episodes import Episode, EpisodeSize, episodes
from edge_deploy.fewshot.textures import FEATURES, VIEWS, describe, views

STEEL = "S4-D9-K1/steel-5-way"
FOLDER = Path("neu_det", "dev")
KINDS = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")
EPISODES = {"quick": 600, "full": 2000}
JUDGED = slice(1, None, 2)  # of a kind's pictures; by the others the statistics were chosen

U8 = NDArray[np.uint8]


def measure(context: Context) -> Mapping[str, Measurement]:
    """The row of rolled steel."""
    root = context.data_root
    if root is None or not (root / FOLDER).is_dir():
        return {STEEL: not_measured(f"{FOLDER} is not under the data root")}
    files = {kind: sorted((root / FOLDER).glob(f"{kind}_*.jpg"))[JUDGED] for kind in KINDS}
    features = []
    for done, own in enumerate(files.values()):
        context.progress(done, len(files), "textures of steel")
        read = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in own]
        features.append(np.stack([_all_of(np.asarray(one, np.uint8)) for one in read]))
    count = EPISODES[context.size]
    size = EpisodeSize(5, SHOTS, ASKED)
    right = np.array([_right(one) for one in episodes(features, size, count, context.seed)])
    note = (
        f"{count} episodes of {min(map(len, features))} pictures a kind and more; 5 of 6 kinds in "
        "each; nothing is learned from the set beforehand, nothing of it is shipped"
    )
    digest = context.data_hash([path for own in files.values() for path in own])
    return {STEEL: row(right, context.seed, digest, note)}


def _all_of(picture: U8) -> U8:
    """The picture's bytes, then those of its parts, in one row."""
    return np.concatenate([describe(picture), views(picture).ravel()])


def _right(episode: Episode) -> float:
    """Share named rightly: the parts count where a picture is learned, not where it is asked."""
    whole, parts = np.split(episode.learned, [FEATURES], axis=2)
    parts = parts.reshape(*parts.shape[:2], VIEWS, FEATURES)
    asked = Episode(whole, episode.asked[:, :FEATURES], episode.label)
    return float((told_apart(asked, parts) == asked.label).mean())


EXPERIMENTS = (
    Experiment(
        "few-shot-steel",
        (
            Indicator(
                STEEL,
                "3 samples a kind tell 5 kinds of defect on rolled steel apart.",
                GUIDE,
                "fraction",
                ">=",
                0.95,
                "public-data",
                f"NEU's pictures as a whole, their texture in {FEATURES} bytes (local binary "
                "patterns, band and edge statistics at several scales), a discriminant learned "
                "from the samples and their parts, the integer head. Every other picture, which "
                "the choice of the statistics did not see. Bootstrap over episodes.",
            ),
        ),
        measure,
    ),
)
