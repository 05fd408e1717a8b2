"""Strangers: what a limit lets in, how it is found, and which one is shipped."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.episodes import Episode, EpisodeSize, episodes
from edge_deploy.fewshot.head import MOST_FACTOR, ONE
from edge_deploy.fewshot.strangers import FILE, answers, calibrate, shipped

pytestmark = pytest.mark.edge

SIZE = EpisodeSize(ways=3, shots=3, asked=4, strange=2)


def classes(count: int, apart: float, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(128, apart, (count, 64))
    return [np.clip(c + rng.normal(0, 5, (10, 64)), 0, 255).astype(np.uint8) for c in centres]


def test_classes_far_apart_have_a_limit_that_parts_them() -> None:
    for episode in episodes(classes(8, 40), SIZE, 20, 3):
        found = answers(episode)
        assert found.false_share(3 * ONE) == 0
        assert found.known_share(3 * ONE) == 1


def test_the_least_factor_is_the_least_whose_limit_lets_in() -> None:
    episode = next(episodes(classes(8, 10), SIZE, 1, 3))
    from edge_deploy.fewshot.episodes import taught

    head, found = taught(episode), answers(episode)
    for sample, factor in zip(episode.asked, found.factor.tolist(), strict=True):
        distance = head.answer(sample).distance
        at, below = head.limit(factor), head.limit(max(factor - 2, 0))
        assert at is not None and below is not None
        assert below < distance <= at + 1


def test_shares_rise_with_the_limit() -> None:
    found = answers(next(episodes(classes(8, 8), SIZE, 1, 5)))
    steps = range(0, 4 * ONE, 32)
    for share in (found.false_share, found.known_share):
        told = [share(step) for step in steps]
        assert told == sorted(told) and told[0] == 0
    assert found.false_share(MOST_FACTOR) == 1


def test_calibration_lets_in_what_was_wanted() -> None:
    pool = classes(12, 7)
    factor = calibrate([pool], SIZE, 60, 9, wanted=0.1)
    let_in = [answers(one).false_share(factor) for one in episodes(pool, SIZE, 60, 9)]
    assert 0.05 < np.mean(let_in) <= 0.1
    assert calibrate([classes(12, 40), pool], SIZE, 60, 9, wanted=0.1) > factor


def test_one_sample_a_class_tells_no_strangers() -> None:
    learned = np.zeros((2, 1, 8), np.uint8)
    with pytest.raises(EdgeError, match="two learned samples"):
        answers(Episode(learned, learned[0], np.array([0])))


def test_the_shipped_factor_is_the_next_stricter_one() -> None:
    table = {"2": 300, "5": 250, "20": 200}
    assert [shipped(ways, table) for ways in (1, 2, 3, 5, 6, 20, 50)] == [
        *(300, 300, 250, 250, 200, 200, 200)
    ]
    told = json.loads(FILE.read_text("utf-8"))
    factors = list(told["factor_256ths_by_classes"].values())
    assert factors == sorted(factors, reverse=True) and 0 < factors[-1] < MOST_FACTOR
    assert "Greek" not in told["data"] and "Latin" not in told["data"]
