"""The linear observer: its contrast is the closed form's, and a signal that is there is found."""

from __future__ import annotations

import numpy as np
import pytest

from inspection.sim.observer import FALSE, Seen, hotelling, observe, told
from inspection.sim.scene import PIXEL_UM, station_scene

pytestmark = pytest.mark.inspection

SIZE, MANY = 6, 40_000


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Good and defective neighbourhoods of one covariance, the signal, and the best contrast."""
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((SIZE, SIZE)) + 2 * np.eye(SIZE)
    signal = rng.standard_normal(SIZE)
    good, defects = (rng.standard_normal((MANY, SIZE)) @ mix.T for _ in range(2))
    best = float(np.sqrt(signal @ np.linalg.solve(mix @ mix.T, signal)))
    return good, defects + signal, signal, best


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_its_contrast_is_the_best_there_is(seed: int) -> None:
    good, defects, signal, best = drawn(seed)
    weights = hotelling(good, defects)
    assert float(signal @ weights) / (good @ weights).std() == pytest.approx(best, rel=0.02)


def test_what_it_misses_is_what_gaussian_scores_miss() -> None:
    good, defects, _, best = drawn(4)
    scale = 4.0 / best  # the contrast is then 4
    shift = (scale - 1) * (defects.mean(axis=0) - good.mean(axis=0))
    seen = Seen({("pit", h): [defects[h::2] + shift] for h in (0, 1)}, {0: [good], 1: [good]})
    found = told(seen, "pit")
    assert found.n == MANY and found.level == pytest.approx(3.72, abs=0.25)  # of 1 in 10,000
    assert FALSE == 1e-4 and 0.25 < found.missed / found.n < 0.55  # 1 - Phi(4 - 3.72) = 0.39
    assert found.faintest == pytest.approx(4.0 - 2.05, abs=0.2)


def test_relief_on_a_display_stands_out_more_in_a_pair_of_exposures() -> None:
    found = {(look, host, form): one for look, host, form, one in observe(8, 32)}
    for form in ("pit", "bump"):
        single = found["one exposure", "white", form]
        assert single.n > 40 and single.missed <= 0.02 * single.n
        assert found["pair of exposures", "white", form].faintest > single.faintest


def test_relief_on_solder_mask_stands_out_and_hosts_that_half_the_parts_lack_are_left_out() -> None:
    found = {(look, host, form): one for look, host, form, one in observe(2, 32, "inductor")}
    for form in ("pit", "bump"):
        one = found["panel and ring", "solder mask", form]
        assert one.n > 4 and one.missed <= 0.1 * one.n
    assert not list(observe(1, 32, "inductor"))


def test_defects_lie_where_zones_are_inspected_and_borders_of_shadows_are_not() -> None:
    scene = station_scene("inductor", "judge", 33, 49, side_px=512)
    for trigger in range(3):
        zones, whole = scene.zones(trigger), scene.part(trigger).surface.zones
        kept = zones > 0
        assert (zones[kept] == whole[kept]).all()
        assert kept.sum() < (whole > 0).sum()  # bodies a millimetre tall cast shadows
        for defect in scene.truth(trigger).defects:
            assert kept[int(defect.y_um / PIXEL_UM), int(defect.x_um / PIXEL_UM)]
