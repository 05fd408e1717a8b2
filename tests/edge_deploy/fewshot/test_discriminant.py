"""The discriminant: what it must see past, against an independent one, and its whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.discriminant import MOST, Discriminant, told_apart
from edge_deploy.fewshot.episodes import Episode, nearest

pytestmark = pytest.mark.edge

FEATURES = 12


def drawn(
    rng: np.random.Generator, each: int, nuisance: float = 40.0, features: int = FEATURES
) -> np.ndarray:
    """(3, each, features): classes differ a little in the first two features, samples much in a
    direction that the last two share."""
    means = np.zeros((3, features))
    means[1, 0] = means[2, 1] = 12
    samples = means[:, None] + rng.normal(0, 2, (3, each, features))
    samples[..., -2:] += nuisance * rng.normal(0, 1, (3, each, 1))
    return np.clip(np.rint(samples + 128), 0, 255).astype(np.uint8)


def episode(seed: int, features: int = FEATURES) -> Episode:
    samples = drawn(np.random.default_rng(seed), 23, features=features)
    return Episode(
        samples[:, :3], samples[:, 3:].reshape(-1, features), np.repeat(np.arange(3), 20)
    )


@pytest.mark.parametrize("features", [FEATURES, 400])
def test_it_sees_past_what_varies_within_classes(features: int) -> None:
    shares = np.array(
        [
            [(found(one) == one.label).mean() for found in (nearest, told_apart)]
            for one in (episode(seed, features) for seed in range(20))
        ]
    )
    assert shares[:, 1].mean() > shares[:, 0].mean() + 0.15


def test_with_many_samples_it_is_scikit_learns() -> None:
    discriminant = pytest.importorskip("sklearn.discriminant_analysis")
    rng = np.random.default_rng(3)
    learned, asked = drawn(rng, 120), drawn(rng, 200).reshape(-1, FEATURES)
    peer = discriminant.LinearDiscriminantAnalysis(priors=[1 / 3] * 3)
    peer.fit(learned.reshape(-1, FEATURES), np.repeat(np.arange(3), 120))
    ours = told_apart(Episode(learned, asked, np.zeros(len(asked), np.int64)))
    assert (ours == peer.predict(asked)).mean() > 0.99


def test_views_tell_a_spread_that_samples_do_not() -> None:
    rng = np.random.default_rng(5)
    many = drawn(rng, 40)
    one_each = many[:, :1]
    with pytest.raises(EdgeError, match="two of each, or views"):
        Discriminant.of(one_each)
    found = Discriminant.of(one_each, many[:, None, 1:])
    nuisance = np.abs(found.matrix[:, -2:].sum(1)).max()
    assert nuisance < 0.25 * np.abs(found.matrix[:, :2]).max()


def test_its_bytes_are_those_of_whole_numbers() -> None:
    one = episode(7)
    found = Discriminant.of(one.learned)
    assert found.matrix.shape == (2, FEATURES) and np.abs(found.matrix).max() <= MOST
    for sample, told in zip(one.asked, found.project(one.asked), strict=True):
        for row, offset, byte in zip(
            found.matrix.tolist(), found.offset.tolist(), told.tolist(), strict=True
        ):
            total = sum(a * b for a, b in zip(row, sample.tolist(), strict=True)) + offset
            assert byte == min(max(total >> found.shift, 0), 255)


def test_the_learned_samples_stay_within_the_bytes() -> None:
    one = episode(8)
    told = Discriminant.of(one.learned).project(one.learned.reshape(-1, FEATURES)).astype(int)
    assert np.abs(told - 128).max() in (63, 64, 65)


@pytest.mark.parametrize(
    ("learned", "message"),
    [
        (np.zeros((1, 3, 4)), "1 classes"),
        (np.full((2, 3, 8), 7), "all alike"),
        (np.stack([np.eye(4)[:2] * 9] * 2), "equal"),
    ],
)
def test_what_tells_nothing_is_refused(learned: np.ndarray, message: str) -> None:
    with pytest.raises(EdgeError, match=message):
        Discriminant.of(learned.astype(np.uint8))
