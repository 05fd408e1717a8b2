"""The learned variances: signs in, m^2 out, by a shipped network.

It weighs what a filter takes in and leaves nothing out (positioning.train.variance makes it).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.runtime import weights
from common.runtime.session import Session
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.variance.signs import Watcher

WEIGHTS = Path(__file__).parents[2] / "weights"
MODEL = "satellite_variance"


def without(city: str) -> str:
    """The model that learned from every kind of city but one, to judge by."""
    return f"{MODEL}_without_{city}"


def unseen(city: str) -> str:
    """The model to judge a kind of city by: `without` it where that is shipped, else the whole."""
    return without(city) if (WEIGHTS / f"{without(city)}.onnx").is_file() else MODEL


@cache
def _session(folder: Path, model: str) -> Session:
    return Session(weights.load(folder, model).payload)


class Variances:
    """Of a receiver in real time: feed it epochs in their order.

    model: its name in the folder's manifest.
    """

    def __init__(self, orbits: BroadcastOrbits, model: str = MODEL, folder: Path = WEIGHTS) -> None:
        self._watcher = Watcher(orbits)
        self._session = _session(folder, model)

    def step(self, observations: Observations) -> NDArray[np.float64]:
        """(N, BANDS, 2) m^2 of codes and phases, each from its epoch and those before; NaN where
        there is no code, and before there is any place."""
        told = self._watcher.signs(observations)
        has = np.isfinite(observations.code_m)
        out = np.full((*has.shape, 2), np.nan)
        if told is not None and has.any():
            found = self._session.run({"signs": told[has]})["log_variance"]
            out[has] = np.exp(found.astype(np.float64))
        return out


def variances(
    observations: Observations, orbits: BroadcastOrbits, model: str = MODEL, folder: Path = WEIGHTS
) -> NDArray[np.float64]:
    """As Variances.step of a whole file."""
    return Variances(orbits, model, folder).step(observations)
