"""Timing tells waiting from working, and memory that was really held."""

from __future__ import annotations

import time

import numpy as np
import pytest

from common.runtime.timing import measure, peak_rss_mib

pytestmark = pytest.mark.common


def test_a_sleep_takes_wall_time_and_hardly_cpu_time() -> None:
    timing = measure(lambda: time.sleep(0.01), repeats=10)
    assert 10 <= timing.median_ms <= timing.p99_ms
    assert timing.cpu_ms_median < timing.median_ms / 2
    assert timing.n == 10


def test_work_takes_cpu_time() -> None:
    def work() -> None:
        end = time.thread_time() + 0.005
        while time.thread_time() < end:
            pass

    timing = measure(work, repeats=5)
    assert 5 <= timing.cpu_ms_median < 50


def test_percentiles_are_of_the_calls_and_warm_up_does_not_count() -> None:
    waits = iter([0.2, 0.001, 0.001, 0.001, 0.05])
    timing = measure(lambda: time.sleep(next(waits)), repeats=4, warmup=1)
    assert timing.median_ms < 40 < timing.p99_ms < 190


def test_peak_memory_grows_by_what_was_held() -> None:
    base = peak_rss_mib()
    block = np.ones(int((base + 64) * (1 << 20)), np.uint8)  # more than was ever free again
    assert block[-1] == 1
    assert peak_rss_mib() >= base + 60


@pytest.mark.parametrize(("repeats", "warmup"), [(0, 0), (-1, 0), (1, -1)])
def test_senseless_counts_are_refused(repeats: int, warmup: int) -> None:
    with pytest.raises(ValueError, match="repeats must be"):
        measure(lambda: None, repeats=repeats, warmup=warmup)
