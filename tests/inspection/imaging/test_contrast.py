"""The contrast-to-noise ratio of what was put in, and how rare chance makes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from inspection.imaging.contrast import (
    FEWEST_CLEAN,
    Aperture,
    cnr,
    deviations,
    equivalent,
    noise_parts,
)

pytestmark = pytest.mark.inspection

SIDE = 160


def disc(radius: float = 3.0, row: int = 80, column: int = 70) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def places(aperture: Aperture, mask: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(mask)
    allowed = np.ones((SIDE, SIDE), bool)
    allowed[y.min() - 6 : y.max() + 7, x.min() - 6 : x.max() + 7] = False
    return aperture.clean(allowed, 400, np.random.default_rng(0))


@pytest.mark.parametrize("contrast", [0.5, 2.0, 8.0])
def test_cnr_in_white_noise_is_the_closed_form(contrast: float) -> None:
    """contrast / sqrt(1 / n_inside + 1 / n_ring) for noise of one deviation."""
    mask = disc()
    aperture = Aperture.around(mask)
    rng = np.random.default_rng(1)
    pictures = rng.normal(0, 1, (30, SIDE, SIDE)).astype(np.float32) + contrast * mask
    found = [cnr(one[None], aperture, places(aperture, mask)) for one in pictures]
    noise = np.sqrt(1 / len(aperture.inside) + 1 / len(aperture.ring))
    offsets = stats.foldnorm.mean(contrast / noise)  # |mean + unit normal|
    assert np.mean(found) == pytest.approx(offsets, rel=0.1)


def test_texture_of_the_host_is_noise_too() -> None:
    """Stripes as wide as the defect hide it, though no exposure is noisy."""
    mask = disc()
    stripes = np.sin(np.arange(SIDE) * 2 * np.pi / 12)[None].repeat(SIDE, 0)
    calm = np.random.default_rng(2).normal(0, 0.05, (SIDE, SIDE))
    aperture = Aperture.around(mask)
    clean = places(aperture, mask)
    plain = cnr((calm + mask)[None].astype(np.float32), aperture, clean)
    striped = cnr((calm + mask + stripes)[None].astype(np.float32), aperture, clean)
    assert plain > 50 and striped < 3


def test_two_pictures_that_share_their_noise_see_through_it() -> None:
    rng = np.random.default_rng(3)
    mask = disc()
    shared = rng.normal(0, 1, (SIDE, SIDE))
    one = shared + 0.5 * mask
    two = shared + rng.normal(0, 0.05, (SIDE, SIDE))
    aperture = Aperture.around(mask)
    clean = places(aperture, mask)
    both = np.stack([one, two]).astype(np.float32)
    assert cnr(both, aperture, clean) > 5 * cnr(both[:1], aperture, clean)


def test_more_pictures_are_no_more_often_deceived() -> None:
    """Of nothing at all, one picture and five exceed two deviations alike."""
    rng = np.random.default_rng(4)
    for count in (1, 5):
        clean = rng.normal(0, 1, (1000, count))
        seen = [deviations(value, clean) for value in rng.normal(0, 1, (2000, count))]
        assert np.mean(np.array(seen) > 2) == pytest.approx(0.0455, abs=0.015)


@given(st.floats(0.1, 30.0), st.integers(2, 9))
def test_equivalent_deviation_has_the_same_tail(z: float, count: int) -> None:
    tail = stats.norm.logsf(z) + np.log(2)
    squared = stats.chi2.isf(np.exp(max(tail, -600)), count)
    assert equivalent(float(squared), count) == pytest.approx(z, rel=1e-3, abs=1e-3)


def test_far_tails_go_on_rising() -> None:
    values = [equivalent(s, 4) for s in np.geomspace(1, 1e7, 400)]
    steps = np.diff(values)
    assert (steps > 0).all()
    assert values[-1] == pytest.approx(np.sqrt(1e7), rel=1e-3)


def test_clean_places_touch_nothing_forbidden() -> None:
    aperture = Aperture.around(disc(row=20, column=30))
    allowed = np.zeros((SIDE, SIDE), bool)
    allowed[40:90, 50:120] = True
    found = aperture.clean(allowed, 10_000, np.random.default_rng(5))
    offsets = np.concatenate([aperture.inside, aperture.ring])
    rows, columns = (found[:, None] + offsets).reshape(-1, 2).T
    assert allowed[rows, columns].all()
    span = np.ptp(offsets, axis=0)
    assert len(found) == (50 - span[0]) * (70 - span[1])


def test_noise_is_told_apart() -> None:
    rng = np.random.default_rng(6)
    repeats = rng.normal(0, 3.0, 400) + rng.normal(0, 2.0, (50, 400))
    texture, temporal = noise_parts(repeats)
    assert texture == pytest.approx(3.0, rel=0.08)
    assert temporal == pytest.approx(2.0, rel=0.03)


def test_too_little_to_tell_noise_is_refused() -> None:
    aperture = Aperture.around(disc())
    with pytest.raises(ValueError, match="clean places"):
        cnr(np.zeros((1, SIDE, SIDE), np.float32), aperture, np.zeros((FEWEST_CLEAN - 1, 2), int))
    with pytest.raises(ValueError, match="at least one pixel"):
        Aperture.around(np.zeros((4, 4), bool))
    with pytest.raises(ValueError, match="two exposures"):
        noise_parts(np.zeros((1, 5)))
