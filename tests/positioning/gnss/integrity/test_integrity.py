"""Told probabilities and levels: closed forms, a known truth, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from positioning.acceptance.integrity import MISLED, STATED, rows
from positioning.gnss.coupled.solve import Reference, solve
from positioning.gnss.integrity.assess import (
    FEATURES,
    KINDS,
    PUBLISHED,
    CalibrationError,
    assess,
    kinds,
    probability,
    read,
    sigmas,
)
from positioning.gnss.integrity.calibrate import Evidence, fit, logistic, seldom
from positioning.gnss.integrity.reliability import exceeded, judged, levels_of, table
from positioning.gnss.solution import Quality
from tests.positioning.gnss.coupled.drives import drive, parts, rtk

pytestmark = pytest.mark.positioning

TRUE = np.array([-3.0, 1.5, -0.5, 0.0, 0.5, 0.0, 0.3])


def drawn(count: int, seed: int) -> Evidence:
    """Epochs whose wrongness is drawn by TRUE, and whose errors are Rayleigh and normal."""
    rng = np.random.default_rng(seed)
    features = np.column_stack((np.ones(count), rng.normal(size=(count, len(FEATURES) - 1))))
    wrong = rng.random(count) < probability(TRUE, features)
    sigma = rng.uniform(0.02, 0.5, (count, 2))
    errors = sigma * np.column_stack((rng.rayleigh(size=count), np.abs(rng.normal(size=count))))
    every = np.ones(count, np.bool_)
    kind = rng.integers(0, len(KINDS["batch"]), count)
    return Evidence(features, every, wrong, kind, errors, sigma)


def test_a_known_law_is_found_again_and_holds_on_other_draws():
    made = fit([drawn(40_000, 1)])
    assert np.abs(np.array(made.weights) - TRUE).max() < 0.15
    judgement = judged(made, drawn(40_000, 2))
    for part in judgement.reliability:
        assert abs(part.stated - part.observed) < 5 * np.sqrt(part.stated / part.fixes) + 0.01


def test_another_drive_exceeds_factors_as_seldom_as_is_told() -> None:
    """By few drives, whose largest stands, and by many, whose tail is carried on."""
    others = [drawn(50, seed) for seed in range(1_000, 1_600)]
    for count, told, bound in ((30, 1 / 31, 0.1), (100, 1e-3, 0.005)):
        made = fit([drawn(50, seed) for seed in range(100, 100 + count)])
        assert made.risk == pytest.approx(told)
        out = np.array([part.errors_m > levels_of(made, part) for part in others])
        for axis in (0, 1):
            for kind in range(len(KINDS["batch"])):
                of_kind = np.array([part.kind == kind for part in others])
                # 600 drives: three times the chance of few and five of many are allowed for
                assert (out[:, :, axis] & of_kind).any(axis=1).mean() <= bound


def test_a_drive_beyond_the_tail_leaves_the_risk_at_its_rank() -> None:
    """One of a hundred lies far beyond the others' tail: it stands, and is one of a hundred."""
    drives = [drawn(50, seed) for seed in range(100, 200)]
    wild = drives[7]._replace(errors_m=drives[7].errors_m * 1e4)
    made = fit([*drives[:7], wild, *drives[8:]])
    assert made.risk == pytest.approx(1 / 101)
    assert not np.any(wild.errors_m > levels_of(made, wild) * (1 + 1e-9))


def test_a_tail_that_falls_off_as_a_power_is_carried_on() -> None:
    """Pareto drives, 1 in 1,000 over 1000^0.5: over draws of a hundred the middle factor is it."""
    rng = np.random.default_rng(5)
    told = [seldom(rng.uniform(size=100) ** -0.5) for _ in range(400)]
    assert np.median(told) == pytest.approx(1_000**0.5, rel=0.15)
    few = rng.uniform(size=20) ** -0.5
    assert seldom(few) == few.max()
    assert seldom(np.zeros(100)) == 1.0  # no such epoch in any drive
    assert seldom(np.append(np.full(99, 2.0), 7.0)) >= 7.0


def test_probabilities_come_of_lessons_and_factors_of_drives() -> None:
    """Fixes of which none is wrong tell no law: it is learned where some are."""
    drives = [drawn(50, seed)._replace(is_wrong=np.zeros(50, np.bool_)) for seed in range(20)]
    lessons = [drawn(2_000, seed) for seed in range(100, 120)]
    alone, made = fit(drives), fit(drives, lessons=lessons)
    assert (made.horizontal, made.vertical, made.risk) == (alone.horizontal, alone.vertical, 1 / 21)
    assert np.abs(np.array(made.weights) - TRUE).max() < 0.15
    assert np.abs(np.array(alone.weights) - TRUE).max() > 1.0
    assert "before it is told" in made.drives


def test_only_in_real_time_epochs_before_any_fix_are_of_a_kind_of_their_own() -> None:
    quality = np.array([2, 7, 1, 2, 1], np.int8)
    assert kinds(quality, "realtime").tolist() == [2, 2, 1, 0, 1]
    assert kinds(quality, "batch").tolist() == [0, 0, 1, 0, 1]


def test_levels_that_are_too_low_and_probabilities_that_lie_are_told():
    calm, late = drawn(2_000, 3), drawn(2_000, 4)
    wild = calm._replace(errors_m=calm.errors_m + 1e3, is_wrong=~calm.is_wrong)
    well = calm._replace(errors_m=np.zeros_like(calm.errors_m))
    measured = rows([well, late._replace(errors_m=np.zeros_like(late.errors_m))], 0)
    lying = rows([wild, well], 0)
    assert measured[MISLED.id].value == 0.0
    # no event in 160 blocks of 5 s: one-sided 95 %
    assert measured[MISLED.id].high == pytest.approx(1 - 0.05 ** (1 / 160), rel=1e-6)
    assert lying[MISLED.id].value == 0.5 and lying[MISLED.id].high == 1.0
    assert lying[STATED.id].value > 0.2
    assert measured[STATED.id].n == 2


def test_epochs_in_a_row_are_one_event() -> None:
    """Seven epochs over in one drive of ten: a share of few epochs, and no more than one event."""
    calm = drawn(100, 6)._replace(errors_m=np.zeros((100, 2)))
    late = calm.errors_m.copy()
    late[20:27, 0] = 1e6
    found = exceeded(read(), [calm._replace(errors_m=late), *[calm] * 9])
    assert found[:5] == (7, 1000, 1, 1, 10)
    share, low, high = found.share
    assert share == 0.007 and low == 0.0
    assert high == pytest.approx(0.021, abs=0.008)  # twice to four times one drive in ten
    together = exceeded(read(), [calm._replace(errors_m=late)] * 10)
    assert together.stretches == 10 and together.share == pytest.approx((0.07, 0.07, 0.07))


def test_few_fixes_bound_nothing() -> None:
    """Probabilities that are right, none wrong: 40 fixes cannot show it, 40,000 can."""
    few, many = (
        drawn(count, 8)._replace(
            is_wrong=np.zeros(count, np.bool_),
            features=np.column_stack((np.full(count, -1e3), np.zeros((count, len(FEATURES) - 1)))),
        )
        for count in (20, 20_000)
    )
    # the published weight of the constant decides the sign: make the stated probability nothing
    sign = np.sign(read().weights[0])
    few, many = (part._replace(features=part.features * sign) for part in (few, many))
    unsure, sure = (rows([part, part], 0)[STATED.id] for part in (few, many))
    assert unsure.value == pytest.approx(0.0, abs=1e-9)
    assert unsure.high > 0.5 and sure.high < 0.01


def test_weights_stay_finite_where_features_tell_all() -> None:
    rng = np.random.default_rng(4)
    x = np.column_stack((np.ones(400), rng.normal(size=(400, 2))))
    y = (x[:, 1] > 1.5).astype(np.float64)
    weights = logistic(x, y)
    assert np.abs(weights).max() < 30 and weights[1] > 3 * abs(weights[2])
    p = probability(weights, x)
    assert p.sum() == pytest.approx(y.sum(), rel=1e-4)  # the constant has no prior


def test_no_fix_is_no_probability():
    none = drawn(100, 5)
    told = rows([none._replace(is_fix=np.zeros(100, np.bool_))], 0)
    assert told[STATED.id].value is None


def test_a_table_counts():
    found = table(np.array([0.001, 0.002, 0.5, 0.6, 1.0]), np.array([0, 0, 1, 0, 1]))
    assert [part.fixes for part in found] == [2, 2, 1]
    assert [part.observed for part in found] == [0.0, 0.5, 1.0]


def test_a_drive_gets_levels_and_probabilities_where_it_is_fixed():
    solution, about = rtk()
    d = drive()
    told = assess(solve(*parts(), Reference(d.base, d.base_position_m, solution)), about)
    is_fixed = told.quality == Quality.FIX
    assert np.all(np.isfinite(told.wrong_fix_probability[is_fixed]))
    assert np.all(np.isnan(told.wrong_fix_probability[~is_fixed]))
    horizontal, vertical = sigmas(told)
    assert np.all(told.protection_level_m[:, 0] > horizontal)
    assert np.all(told.protection_level_m[:, 1] > vertical)


@pytest.mark.parametrize("told", ["", "{}", "[1]", '{"weights": [1, 2]}'])
def test_what_is_no_calibration_is_refused(tmp_path, told):
    path = tmp_path / "calibration.json"
    path.write_text(told)
    with pytest.raises(CalibrationError, match=r"calibration\.json"):
        read(path=path)


def test_a_calibration_of_the_other_estimator_is_refused() -> None:
    with pytest.raises(CalibrationError, match="factors are 3"):
        read("realtime", PUBLISHED["batch"])


@pytest.mark.parametrize("mode", PUBLISHED)
def test_a_published_calibration_reads_back(tmp_path, mode):
    made = read(mode)
    assert made.command.endswith(f"calibrate {mode}")
    made.write(tmp_path / "again.json")
    assert read(mode, tmp_path / "again.json") == made
    assert json.loads((tmp_path / "again.json").read_text())["risk"] == made.risk
