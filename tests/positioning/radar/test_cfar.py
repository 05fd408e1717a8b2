"""False-alarm rates: closed forms against each other, and measured on noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.acceptance.statistics import clopper_pearson
from positioning.radar import cfar, spectrum
from positioning.radar.waveform import RadarError

pytestmark = pytest.mark.positioning


def noise_map(elements: int, seed: int) -> spectrum.RangeDoppler:
    rng = np.random.default_rng(seed)
    raw = rng.standard_normal((64, elements, 1, 128, 2), np.float32)
    return spectrum.transform(raw.view(np.complex64)[..., 0])


@pytest.mark.parametrize("kind", ["ca", "os"])
@pytest.mark.parametrize("elements", [1, 12])
@pytest.mark.parametrize("rate", [1e-2, 1e-3])
def test_noise_exceeds_at_the_rate_that_is_set(kind: str, elements: int, rate: float) -> None:
    """Within the 99.9 % interval; neighbouring cells are alike, so 2.25 of them count as one."""
    hits = cells = 0
    for seed in range(16):
        found = noise_map(elements, seed)
        row, column = np.indices(found.power.shape).reshape(2, -1)
        judged = cfar.detect(found.power, elements, rate, kind, row, column)  # type: ignore[arg-type]
        hits, cells = hits + len(judged.noise), cells + len(row)
    low, high = clopper_pearson(round(hits / 2.25), int(cells / 2.25), 0.999)
    assert low <= rate <= high


@pytest.mark.parametrize("kind", ["ca", "os"])
def test_the_noise_is_estimated_without_bias(kind: str) -> None:
    found = noise_map(12, 1)
    row, column = np.indices(found.power.shape).reshape(2, -1)
    judged = cfar.detect(found.power, 12, 0.5, kind, row, column)  # type: ignore[arg-type]
    assert judged.noise.mean() == pytest.approx(found.power.mean(), rel=0.02)


@settings(max_examples=40)
@given(st.integers(2, 60), st.data())
def test_os_of_one_look_is_rohlings_product(cells: int, data: st.DataObject) -> None:
    """K = 1: P = product of (N - i) / (N - i + a) over i < k (Rohling 1983, eq. 17)."""
    rank = data.draw(st.integers(1, cells))
    factor = data.draw(st.floats(0.1, 30))
    i = np.arange(rank)
    exact = float(np.prod((cells - i) / (cells - i + factor)))
    assert cfar.os_rate(1, cells, rank, factor) == pytest.approx(exact, rel=1e-2, abs=1e-6)


@given(st.integers(1, 50), st.floats(1e-6, 0.1))
def test_ca_of_one_look_is_the_textbooks(cells: int, rate: float) -> None:
    """K = 1: factor over the mean is N (P^(-1/N) - 1)."""
    assert cfar.ca_factor(1, cells, rate) == pytest.approx(cells * (rate ** (-1 / cells) - 1))


@settings(max_examples=15)
@given(st.floats(1e-4, 1e4))
def test_the_verdict_does_not_depend_on_the_scale(scale: float) -> None:
    power = noise_map(2, 3).power
    row, column = np.indices(power.shape).reshape(2, -1)
    one = cfar.detect(power, 2, 1e-2, "os", row, column)
    other = cfar.detect(power * np.float32(scale), 2, 1e-2, "os", row, column)
    assert len(np.setxor1d(one.doppler * 1000 + one.range, other.doppler * 1000 + other.range)) <= 2


def test_os_holds_beside_a_second_target_where_ca_does_not() -> None:
    """A target 20 dB up, one of its neighbours 40 dB up in the training ring."""
    power = noise_map(4, 5).power
    mean = power.mean()
    power[30, 60], power[30, 66] = 30 * mean, 100_000 * mean
    at = np.array([30]), np.array([60])
    assert len(cfar.detect(power, 4, 1e-4, "os", *at).noise) == 1
    assert len(cfar.detect(power, 4, 1e-4, "ca", *at).noise) == 0


def test_a_map_smaller_than_the_ring_is_refused() -> None:
    with pytest.raises(RadarError, match="too small"):
        cfar.detect(np.ones((8, 8), np.float32), 1, 0.01, "os", np.array([1]), np.array([1]))
