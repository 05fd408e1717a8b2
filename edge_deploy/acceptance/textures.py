"""Three samples a kind on rolled steel: defects that are a texture of the whole picture (NEU)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from edge_deploy.acceptance.fewshot import ASKED, GUIDE, SHOTS, by_episode, row
from edge_deploy.fewshot.episodes import EpisodeSize
from edge_deploy.fewshot.textures import describe

STEEL = "S4-D9-K1/steel-5-way"
FOLDER = Path("neu_det", "dev")
KINDS = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")
EPISODES = {"quick": 600, "full": 2000}


def measure(context: Context) -> Mapping[str, Measurement]:
    """The row of rolled steel."""
    root = context.data_root
    if root is None or not (root / FOLDER).is_dir():
        return {STEEL: not_measured(f"{FOLDER} is not under the data root")}
    files = {kind: sorted((root / FOLDER).glob(f"{kind}_*.jpg")) for kind in KINDS}
    features = []
    for done, own in enumerate(files.values()):
        context.progress(done, len(files), "textures of steel")
        read = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in own]
        features.append(np.stack([describe(np.asarray(one, np.uint8)) for one in read]))
    count = EPISODES[context.size]
    right, _ = by_episode(features, EpisodeSize(5, SHOTS, ASKED), count, context.seed)
    note = (
        f"{count} episodes of {min(map(len, features))} pictures a kind and more; 5 of 6 kinds in "
        "each; nothing is learned from the set beforehand, nothing of it is shipped"
    )
    digest = context.data_hash([path for own in files.values() for path in own])
    return {STEEL: row(right, context.seed, digest, note)}


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
                "NEU's pictures as a whole, their texture in thirty bytes (local binary patterns "
                "at three scales) to the integer head. Bootstrap over episodes.",
            ),
        ),
        measure,
    ),
)
