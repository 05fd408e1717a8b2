"""Finds from how far on a sample is a stranger, and writes `fewshot/strangers.json`.

    python -m edge_deploy.train.strangers --data DATA_ROOT

On pairs of the three alphabets that the backbone learned from and on invented characters that it
did not: all but Greek and Latin, by which it is judged. A minute of one core.
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.characters import alphabets, shrunk
from edge_deploy.fewshot.episodes import EpisodeSize
from edge_deploy.fewshot.features import NAME, backbone, extract
from edge_deploy.fewshot.strangers import FILE, WANTED, calibrate
from edge_deploy.sim.glyphs import draw, invent

U8 = NDArray[np.uint8]

ALPHABETS = ("Balinese", "Early_Aramaic", "Korean")
INVENTED, DRAWINGS = 120, 20
SHOTS, ASKED = 3, 5
WAYS, STRANGE = (2, 5, 10, 20), 5
EPISODES, SEED = 120, 901


def main() -> None:
    """Calibrate on features of the shipped backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=FILE)
    told = parser.parse_args()
    payload = backbone()
    every = alphabets(told.data)
    own = {
        name: [extract(payload, np.stack([shrunk(page) for page in one])) for one in every[name]]
        for name in ALPHABETS
    }
    sets = [own[one] + own[other] for one, other in combinations(ALPHABETS, 2)]
    sets.append([extract(payload, _invented(at)) for at in range(INVENTED)])
    factors = {
        str(ways): calibrate(sets, EpisodeSize(ways, SHOTS, ASKED, STRANGE), EPISODES, SEED)
        for ways in WAYS
    }
    table = {
        "backbone": NAME,
        "command": "python -m edge_deploy.train.strangers --data DATA_ROOT",
        "data": "Omniglot background small 1 (MIT): Balinese, Early Aramaic, Korean; invented",
        "let_in": WANTED,
        "factor_256ths_by_classes": factors,
    }
    told.out.write_text(json.dumps(table, indent=2) + "\n", "utf-8")
    print(factors)


def _invented(at: int) -> U8:
    rng = np.random.default_rng((SEED, at))
    glyph = invent(rng)
    return np.stack([shrunk(draw(glyph, rng)) for _ in range(DRAWINGS)])


if __name__ == "__main__":
    main()
