"""Phase shifting against closed forms: noise, harmonics, the order of a fringe."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspection.relief.phase import Fringes, arctan2, decode

pytestmark = pytest.mark.inspection

LINE = Fringes((1,), (4,))


def frames_of(
    phase: NDArray[np.float64],
    steps: int,
    modulation: float,
    harmonics: dict[int, float] | None = None,
) -> NDArray[np.uint16]:
    """12-bit frames of one frequency, with harmonics as shares of the fundamental."""
    shifted = phase[None] - 2 * pi * np.arange(steps)[:, None, None] / steps
    light = np.cos(shifted)
    for order, share in (harmonics or {}).items():
        light += share * np.cos(order * shifted)
    return np.rint(2000 + modulation * light).astype(np.uint16)


def phases(n: int = 2000) -> NDArray[np.float64]:
    return np.linspace(0.01, 2 * pi - 0.01, n)[None]


def off(found: NDArray[np.float32], phase: NDArray[np.float64]) -> NDArray[np.float64]:
    return (found - phase + pi) % (2 * pi) - pi


def test_the_branch_free_arctangent_is_the_arctangent() -> None:
    angle = np.concatenate([np.linspace(-pi, pi, 9_999), np.arange(-8, 9) * pi / 8])
    for radius in (1e-3, 1.0, 1e4):
        y, x = (np.float32(radius * f(angle)) for f in (np.sin, np.cos))
        got = np.array([arctan2(b, a) for b, a in zip(y, x, strict=True)])
        assert np.abs(got - np.arctan2(y, x)).max() < 6e-7


@pytest.mark.parametrize("steps", [3, 4, 5, 8])
def test_noise_of_the_phase_is_the_formula(steps: int) -> None:
    rng, spread, modulation = np.random.default_rng(steps), 20.0, 1000.0
    phase = np.broadcast_to(np.linspace(1, 5, 400), (100, 400))
    frames = frames_of(phase, steps, modulation).astype(np.float64)
    noisy = np.rint(frames + spread * rng.standard_normal(frames.shape)).astype(np.uint16)
    found = decode(noisy, Fringes((1,), (steps,)))
    expected = sqrt(2 / steps * (spread**2 + 1 / 6)) / modulation  # rounded twice
    assert np.std(off(found.phase_rad, phase)) == pytest.approx(expected, rel=0.02)
    assert np.mean(found.modulation_dn) == pytest.approx(modulation, rel=0.01)


@settings(max_examples=40)
@given(st.integers(3, 9), st.integers(2, 12), st.floats(0.02, 0.2))
def test_the_harmonics_that_reach_the_phase_are_k_steps_plus_minus_one(
    steps: int, order: int, share: float
) -> None:
    frames = frames_of(phases(), steps, 1200.0, {order: share})
    ripple = np.abs(off(decode(frames, Fringes((1,), (steps,))).phase_rad, phases())).max()
    if (order + 1) % steps == 0 or (order - 1) % steps == 0:
        assert ripple == pytest.approx(np.arcsin(share), rel=0.1)  # the vector sum turns so far
    else:
        assert ripple < 1.5e-3  # the frames are whole numbers


def test_the_gamma_of_a_projector_ripples_three_steps_and_spares_six() -> None:
    gamma, ripples = 2.2, {}
    for steps in (3, 4, 6):
        shifted = phases() - 2 * pi * np.arange(steps)[:, None, None] / steps
        light = ((1 + np.cos(shifted)) / 2) ** gamma
        found = decode(np.rint(4000 * light).astype(np.uint16), Fringes((1,), (steps,)))
        ripples[steps] = float(np.abs(off(found.phase_rad, phases())).max())
    second = (gamma - 1) / (gamma + 2)  # of ((1 + cos) / 2)^gamma, over the fundamental
    assert ripples[3] == pytest.approx(np.arcsin(second), rel=0.1)
    third = second * (gamma - 2) / (gamma + 3)
    assert ripples[4] == pytest.approx(third, rel=0.25)
    assert ripples[6] < 1.5e-3


def many(u: NDArray[np.float64], fringes: Fringes, dtype: type = np.uint8) -> NDArray[np.uint8]:
    """Frames of places u in 0..1 across the projector."""
    top = 100 if dtype is np.uint8 else 1800
    rows = [
        np.rint(top * 1.2 + top * np.cos(2 * pi * (count * u - n / steps)))
        for count, steps in zip(fringes.counts, fringes.steps, strict=True)
        for n in range(steps)
    ]
    return np.stack(rows).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "fringes", [Fringes(), Fringes((1, 6, 36), (3, 4, 6)), Fringes((0.5, 5), (5, 5))]
)
def test_coarse_fringes_give_the_order_of_the_fine_ones(dtype: type, fringes: Fringes) -> None:
    u = np.linspace(0.02, 0.98, 3000)[None] * min(1.0, 1 / fringes.counts[0])
    found = decode(many(u, fringes, dtype), fringes)
    fine = 2 * pi * fringes.counts[-1] * u
    assert np.abs(found.phase_rad - fine).max() < 0.02
    assert found.misfit.max() < 0.3


def test_a_damaged_coarse_phase_shows_as_a_misfit() -> None:
    fringes = Fringes()
    u = np.linspace(0.02, 0.98, 2000)[None]
    frames = many(u, fringes)
    coarse = many(u + 0.45 / 8, fringes)[:4]  # by 0.9 of halfway to the next order
    found = decode(np.concatenate([coarse, frames[4:]]), fringes)
    assert np.median(found.misfit) == pytest.approx(0.9, abs=0.05)


def test_what_cannot_be_decoded_is_refused() -> None:
    with pytest.raises(ValueError, match="12"):
        decode(np.zeros((11, 4, 4), np.uint8), Fringes())
    for counts, steps in [((1, 8), (4,)), ((1,), (2,)), ((2, 8), (4, 4)), ((1, 1), (4, 4))]:
        with pytest.raises(ValueError):
            Fringes(counts, steps)


def test_patterns_are_what_the_phase_expects() -> None:
    fringes = Fringes((1, 16), (4, 6))
    codes = fringes.patterns(512)
    assert codes.shape == (10, 512) and codes.dtype == np.uint8
    found = decode(np.ascontiguousarray(codes[:, None]), fringes)
    middle = 2 * pi * 16 * (np.arange(512) + 0.5) / 512
    assert np.abs(found.phase_rad[0] - middle).max() < 0.01
    assert LINE.frames == 4
