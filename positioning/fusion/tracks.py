"""The tracks at one time, as arrays; a new scan makes new arrays, so an old set stays as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.existence import REACHES_M
from positioning.fusion.imm import Mixture, predict
from positioning.fusion.motion import MODELS, SIZE

Floats = NDArray[np.float64]


def _empty() -> Mixture:
    return Mixture(
        np.zeros((0, MODELS, SIZE)), np.zeros((0, MODELS, SIZE, SIZE)), np.zeros((0, MODELS))
    )


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """T tracks at time_s. number (T,): identity, from the time and the
    detection that a track began with, so that a replay gives the same. existence (T,): probability
    that there is something; real (T,): that it is a body, and no ghost. votes (T, 4): how surely
    it is of each kind or unknown. seen_s (T, 2): when last detected by radar and by camera, -inf
    for never. sure (T,): whether it was ever above the threshold of confirmation. reach (G,):
    weights of REACHES_M, how far a camera sees."""

    time_s: float
    mixture: Mixture
    number: NDArray[np.int64]
    existence: Floats
    real: Floats
    votes: Floats
    seen_s: Floats
    sure: NDArray[np.bool_]
    reach: Floats

    @classmethod
    def none(cls, time_s: float) -> Tracks:
        """Before anything was seen."""
        empty = np.zeros(0)
        return cls(
            time_s, _empty(), np.zeros(0, np.int64), empty, empty, np.zeros((0, 4)),
            np.zeros((0, 2)), np.zeros(0, np.bool_), np.full(len(REACHES_M), 1 / len(REACHES_M)),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.number)

    @property
    def kind(self) -> NDArray[np.int64]:
        """(T,) the likeliest kind."""
        return self.votes.argmax(1).astype(np.int64) if len(self) else np.zeros(0, np.int64)

    def at(self, time_s: float, survival_s: float) -> Tracks:
        """Predicted to a later time; existence fades with the time constant `survival_s`."""
        dt = time_s - self.time_s
        if dt <= 0:
            return self
        fade = float(np.exp(-dt / survival_s))
        return replace(
            self, time_s=time_s, mixture=predict(self.mixture, dt), existence=self.existence * fade
        )

    def take(self, index: NDArray[np.bool_]) -> Tracks:
        """Some of the tracks."""
        return replace(
            self, mixture=self.mixture.take(index), number=self.number[index],
            existence=self.existence[index], real=self.real[index], votes=self.votes[index],
            seen_s=self.seen_s[index], sure=self.sure[index],
        )  # fmt: skip

    def born(
        self,
        mixture: Mixture,
        number: NDArray[np.int64],
        existence: Floats,
        real: float,
        votes: Floats,
        *,
        by_camera: bool,
    ) -> Tracks:
        """With new tracks behind."""
        n = len(mixture)
        seen_s = np.full((n, 2), -np.inf)
        seen_s[:, int(by_camera)] = self.time_s
        return replace(
            self,
            mixture=self.mixture.joined(mixture),
            number=np.concatenate([self.number, number]),
            existence=np.concatenate([self.existence, existence]),
            real=np.concatenate([self.real, np.full(n, real)]),
            votes=np.concatenate([self.votes, votes]),
            seen_s=np.concatenate([self.seen_s, seen_s]),
            sure=np.concatenate([self.sure, np.zeros(n, np.bool_)]),
        )
