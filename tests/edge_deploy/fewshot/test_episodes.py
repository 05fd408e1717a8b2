"""Episodes: what they are made of, and what chance and perfection score in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.runtime.weights import load
from edge_deploy import characters
from edge_deploy.acceptance.fewshot import ALPHABETS, by_episode
from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.episodes import EpisodeSize, accuracy, episodes
from edge_deploy.fewshot.features import NAME, WEIGHTS, extract
from edge_deploy.sim.glyphs import draw, invent

pytestmark = pytest.mark.edge

SIZE = EpisodeSize(ways=4, shots=3, asked=2, strange=2)


def apart(classes: int) -> list[np.ndarray]:
    """Samples of a class are alike to a step or two, classes are far apart."""
    rng = np.random.default_rng(1)
    centres = rng.integers(20, 235, (classes, 32))
    return [np.asarray(c + rng.integers(-2, 3, (8, 32)), np.uint8) for c in centres]


def test_no_sample_is_both_learned_and_asked() -> None:
    numbered = [np.stack([np.full(3, 10 * c + s, np.uint8) for s in range(8)]) for c in range(9)]
    for one in episodes(numbered, SIZE, 50, 3):
        learned = {int(value) for value in one.learned[..., 0].ravel()}
        asked = {int(value) for value in one.asked[:, 0]}
        assert not learned & asked
        assert len(learned) == 12 and len(asked) == 12
        own = one.asked[one.label >= 0, 0] // 10
        assert np.array_equal(own, np.repeat(one.learned[:, 0, 0] // 10, 2))


def test_classes_far_apart_are_told_apart_and_noise_is_not() -> None:
    assert accuracy(apart(8), SIZE, 50, 1).mean == 1.0
    rng = np.random.default_rng(2)
    noise = [rng.integers(0, 256, (8, 32), np.uint8) for _ in range(8)]
    assert accuracy(noise, SIZE, 400, 1).mean == pytest.approx(1 / SIZE.ways, abs=0.04)


def test_false_shares_are_what_is_not_right() -> None:
    rng = np.random.default_rng(5)
    noise = [rng.integers(0, 256, (8, 16), np.uint8) for _ in range(8)]
    size = EpisodeSize(4, 3, 2)
    right, false = by_episode(noise, size, 30, 2)
    # each wrong sample is taken by one of the three other classes
    np.testing.assert_allclose(false, (1 - right) / (size.ways - 1))


def test_too_few_classes_or_samples_are_refused() -> None:
    with pytest.raises(EdgeError, match="takes 6 with 5 samples each"):
        next(episodes(apart(5), SIZE, 1, 1))


def test_hands_differ_and_characters_differ_more() -> None:
    rng = np.random.default_rng(4)
    glyphs = [invent(rng) for _ in range(12)]
    drawn = [np.stack([characters.shrunk(draw(glyph, rng)) for _ in range(8)]) for glyph in glyphs]
    assert len({picture.tobytes() for own in drawn for picture in own}) == 96
    flat = [own.reshape(8, -1) for own in drawn]
    assert accuracy([one[:, :4096] for one in flat], EpisodeSize(5, 3, 3), 60, 1).mean > 0.4


@pytest.mark.data
def test_the_shipped_backbone_scores_what_its_card_says(real_data: Path) -> None:
    every = characters.alphabets(real_data)
    model = load(WEIGHTS, NAME)
    features = [
        extract(model.payload, np.stack([characters.shrunk(page) for page in one]))
        for name in ALPHABETS
        for one in every[name]
    ]
    told = model.card.score["accuracy_20_way_3_shot"]
    found = accuracy(features, EpisodeSize(20, 3, 5), 60, 9)
    assert found.mean == pytest.approx(told, abs=0.02)
