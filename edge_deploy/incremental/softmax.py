"""What the growing classifier is held against: one linear layer and softmax on the same features.

Trained on each increment alone it is the naive way, fine-tuning; trained on everything so far it is
what could be reached if all data were kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]

STEPS, RATE, MOMENTUM, DECAY = 120, 2.0, 0.9, 1e-4
ENOUGH = 0.1  # no chance is further from the truth: learned


class Softmax:
    """classes: outputs from the start, so that none has to be added."""

    def __init__(self, features: int, classes: int) -> None:
        self._weight: F32 = np.zeros((features + 1, classes), np.float32)

    def train(self, samples: U8, labels: I64) -> None:
        """Gradient descent from where it stands, on these samples alone."""
        x, wanted = _scaled(samples), np.eye(self._weight.shape[1], dtype=np.float32)[labels]
        speed: F32 = np.zeros_like(self._weight)
        for _ in range(STEPS):
            off = _chances(x @ self._weight) - wanted
            if np.abs(off).max() < ENOUGH:
                break
            slope = x.T @ off / np.float32(len(x))
            pull = slope + np.float32(DECAY) * self._weight
            speed = np.asarray(np.float32(MOMENTUM) * speed - np.float32(RATE) * pull, np.float32)
            self._weight = np.asarray(self._weight + speed, np.float32)

    def answer(self, samples: U8) -> I64:
        """(N,) classes of (N, features)."""
        return np.asarray((_scaled(samples) @ self._weight).argmax(1), np.int64)


def _scaled(samples: U8) -> F32:
    """To about unit length, with a one for the bias."""
    centred = (samples.astype(np.float32) - 128) / np.float32(32 * np.sqrt(samples.shape[1]))
    return np.column_stack([centred, np.ones(len(samples), np.float32)])


def _chances(logits: F32) -> F32:
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float32)
