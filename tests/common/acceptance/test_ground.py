"""The shared ground's experiments can fail, and their parts are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from common.acceptance import ground
from common.acceptance.experiment import Context
from common.acceptance.ground import coverage, faults, integrity
from common.drivers.base import State
from common.drivers.registry import BUILT_IN

pytestmark = pytest.mark.common


def context(folder: Path) -> Context:
    return Context("quick", 3, None, folder)


def test_ids_are_those_of_the_requirements() -> None:
    ids = [i.id for e in ground.EXPERIMENTS for i in e.indicators]
    assert len(set(ids)) == len(ids)
    assert {key.split("/")[0] for key in ids} == {"S4-G1", "S3-G1", "S2-E1", "S2-T8"}


def test_coverage_is_exact_where_it_can_be_done_by_hand() -> None:
    # one trial: the bound after 0 events is 0.95, after 1 it is 1
    assert coverage.least_coverage(1, np.array([0.5, 0.96])) == pytest.approx([1.0, 0.96])


def test_auroc_is_the_rank_sums() -> None:
    rng = np.random.default_rng(0)
    scores, bad = rng.normal(size=60), rng.random(60) < 0.4
    u = mannwhitneyu(scores[bad], scores[~bad]).statistic
    assert coverage.auroc(scores, bad) == pytest.approx(u / (bad.sum() * (~bad).sum()))


def test_too_tight_bounds_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = coverage._rates(context(tmp_path))
    assert honest.value is not None and honest.value >= 0.95
    monkeypatch.setattr(coverage, "upper_bound", lambda k, n: (k + 1) / (n + 1))
    loose = coverage._rates(context(tmp_path))
    assert loose.value is not None and loose.value < 0.95


def test_damage_always_changes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for seed in range(200):
        path.write_bytes(b"some bytes")
        integrity.damage(path, np.random.default_rng(seed))
        assert not path.exists() or path.read_bytes() != b"some bytes"


def test_a_check_that_looks_away_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "changed", lambda text, root: [])
    measured = integrity._trials(context(tmp_path), 5, "data files", integrity._data_trial)
    assert measured.value == 0.0


class Device:
    """What the spy saw of a device at 50 Hz."""

    def __init__(self, counters: list[int]) -> None:
        self.spy = faults.Spy(None, lambda value: value)
        self.spy.counters = counters
        self.spy.times = [counter / 50 for counter in counters]


def judged(health: list[tuple[float, State]], fresh: list[float]) -> faults.Trial:
    """A trial judged on a fault at sample 50, one second after the start."""
    trial = faults.Trial("camera", "drop", health=health, fresh=fresh)
    faults._judge(trial, Device([*range(100)]).spy, faults.Drop(at=50, until=51))
    return trial


def test_times_of_detection_and_recovery_are_those_of_the_record() -> None:
    ready, degraded = State.READY, State.DEGRADED
    trial = judged([(0.9, ready), (1.1, degraded), (1.5, degraded), (1.8, ready)], [1.2, 1.9])
    assert trial.detected_s == pytest.approx(0.1)
    assert trial.recovered_s == pytest.approx(0.9)
    assert not trial.false_alarm
    assert judged([(0.9, ready), (1.2, ready)], [1.1]).detected_s is None
    assert judged([(0.9, ready), (1.2, degraded)], [1.3]).recovered_s is None
    assert judged([(0.9, degraded), (1.2, ready)], [1.3]).false_alarm


def test_a_device_that_lost_samples_is_not_counted_as_sound() -> None:
    assert Device([*range(60)]).spy.sound(0, 1)
    gap = Device([*range(20), *range(21, 60)]).spy
    assert not gap.sound(0, 1)
    assert gap.sound(0.5, 1)


@pytest.mark.parametrize("device", faults.DEVICES)
def test_a_drivers_fault_is_noticed_in_real_time(device: str) -> None:
    for seed in range(1, 4):
        trial = faults.attempt(device, faults.Corrupt(at=45, until=46), seed)
        if trial.sound_before and trial.sound_after:
            break
    else:
        pytest.skip("three times the host lacked time for a device at 50 Hz")
    assert trial.detected_s is not None
    assert trial.recovered_s is not None
    assert trial.wrong == 0
    assert trial.handed_over > 50


def test_every_kind_of_device_that_can_be_simulated_is_judged() -> None:
    simulated = {name.split("/")[0] for name in BUILT_IN if name.endswith("/sim")}
    assert set(faults.DEVICES) == simulated
