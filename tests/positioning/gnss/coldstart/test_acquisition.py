"""The search finds what is there, where it is, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.gnss.coldstart import codes
from positioning.gnss.coldstart.acquisition import (
    Search,
    acquire,
    cell_threshold,
    detection_probability,
)
from positioning.sim.gnss.intermediate import FrontEnd, Signal, quantise, samples

pytestmark = pytest.mark.positioning
FRONT = FrontEnd(rate_hz=2.046e6, bandwidth_hz=1.9e6)


def chip_error(one: float, other: float, length: int) -> float:
    return abs((one - other + length / 2) % length - length / 2)


@pytest.mark.parametrize("system", ["G", "E", "C"])
def test_a_strong_signal_is_found_where_it_is(system: codes.System) -> None:
    rng = np.random.default_rng(3)
    there = Signal(system, 22, 44.0, 870.0, 512.3)
    heard = samples((there,), 0.02, FRONT, rng)
    periods = {"G": 10, "E": 4, "C": 2}[system]
    found = acquire(heard, FRONT.rate_hz, system, 22, Search(1500.0, blocks=periods))
    coherent_s = codes.LENGTHS[system] / codes.CHIP_RATE_HZ
    assert found.found
    assert abs(found.doppler_hz - 870.0) <= 0.26 / coherent_s
    assert chip_error(found.phase_chips, 512.3, codes.LENGTHS[system]) < 0.6


def test_another_satellites_code_is_not_found() -> None:
    rng = np.random.default_rng(4)
    heard = samples((Signal("G", 5, 42.0, 0.0, 100.0),), 0.02, FRONT, rng)
    assert not acquire(heard, FRONT.rate_hz, "G", 6, Search(500.0, blocks=20)).found


def test_noise_alone_is_found_as_often_as_told() -> None:
    rng = np.random.default_rng(5)
    search = Search(500.0, blocks=4, false_alarm=0.1)
    starts = [
        acquire(samples((), 0.004, FRONT, rng), FRONT.rate_hz, "G", prn % 32 + 1, search).found
        for prn in range(250)
    ]
    assert 0.03 < np.mean(starts) < 0.16  # 5 sigma; cells beside each other are not independent


def test_detection_follows_the_closed_form() -> None:
    rng = np.random.default_rng(6)
    search = Search(0.0, blocks=10, false_alarm=1e-2)
    cells = 2046
    for cn0 in (34.0, 37.0):
        found = [
            acquire(
                samples((Signal("G", 9, cn0, 0.0, 200.0),), 0.01, FRONT, rng),
                FRONT.rate_hz, "G", 9, search,
            ).found
            for _ in range(120)
        ]  # fmt: skip
        best = detection_probability(cn0, 1e-3, search, cells)
        worst = detection_probability(cn0, 1e-3, search, cells, loss_db=3.0)
        spread = 3 * np.sqrt(0.25 / len(found))
        assert worst - spread < np.mean(found) < best + spread


def test_the_threshold_of_more_cells_is_higher_and_exact_for_one() -> None:
    assert cell_threshold(1, 2, 0.01) == pytest.approx(-2 * np.log(0.01))
    assert cell_threshold(10**6, 20, 1e-3) > cell_threshold(10**3, 20, 1e-3)


def test_too_few_samples_are_named() -> None:
    with pytest.raises(ValueError, match="20 ms of samples"):
        acquire(np.zeros(100, np.complex64), FRONT.rate_hz, "G", 1, Search(blocks=20))


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_a_converter_has_its_levels(bits: int) -> None:
    rng = np.random.default_rng(7)
    noise = rng.normal(size=4000) + 1j * rng.normal(size=4000)
    given = quantise(noise, bits)
    assert len(np.unique(given.real)) == 2**bits
    assert np.corrcoef(given.real, noise.real)[0, 1] > 0.79
