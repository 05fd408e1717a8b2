"""Decoders against closed forms and published distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from positioning.gnss.coldstart import decoding
from positioning.gnss.coldstart.decoding import BCNAV1, INAV, LNAV

pytestmark = pytest.mark.positioning


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_what_is_encoded_is_decoded_despite_errors(seed: int, errors: int) -> None:
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, 120).astype(np.int8)
    bits[-6:] = 0
    symbols = 1.0 - 2.0 * decoding.encode(bits)
    symbols[rng.permutation(symbols.size)[:errors]] *= -1
    assert np.array_equal(decoding.viterbi(symbols), bits)


def test_the_codes_free_distance_is_ten() -> None:
    """Odenwalder, 1970: K = 7, 171 and 133."""
    weights = []
    for word in range(1, 2**10):
        bits = np.zeros(24, np.int8)
        bits[:10] = [(word >> i) & 1 for i in range(10)]
        weights.append(int(decoding.encode(bits).sum()))
    assert min(weights) == 10


def test_uncoded_bits_fail_by_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    cn0 = 24.0
    sigma = np.sqrt(0.5 / 10 ** ((cn0 - 10 * np.log10(50)) / 10))
    lost = (1 + rng.normal(0, sigma, (4000, 300)) < 0).any(axis=1).mean()
    assert decoding.error_rate(LNAV, np.array(cn0)) == pytest.approx(lost, abs=0.03)


@pytest.mark.parametrize("coding", [LNAV, INAV, BCNAV1])
def test_more_signal_loses_fewer(coding: decoding.Coding) -> None:
    rates = decoding.error_rate(coding, np.arange(18.0, 40.0))
    assert np.all(np.diff(rates) <= 1e-12)
    assert rates[0] > 0.9
    assert rates[-1] < 0.01


def test_the_code_gains_what_is_known() -> None:
    """At a bit error of 1e-3 soft decoding gains about 3.8 dB (Proakis, Digital Communications)."""
    rng = np.random.default_rng(2)
    sigma = np.sqrt(0.5 / (0.5 * 10 ** (3.0 / 10)))  # Eb/N0 of 3.0 dB at rate 1/2
    wrong = total = 0
    for _ in range(200):
        bits = rng.integers(0, 2, 500).astype(np.int8)
        bits[-6:] = 0
        symbols = 1.0 - 2.0 * decoding.encode(bits)
        wrong += int((decoding.viterbi(symbols + rng.normal(0, sigma, 1000)) != bits).sum())
        total += bits.size
    assert 1e-4 < wrong / total < 2e-3
