"""Timing tells waiting from working, and memory that was really held."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import common.runtime.timing as timing_module
from common.runtime.timing import measure

pytestmark = [pytest.mark.common, pytest.mark.base]


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

    assert measure(work, repeats=5).cpu_ms_median >= 5


class FakeClock:
    """Two clocks that only the timed call moves."""

    wall_ns = cpu_ns = 0

    def perf_counter_ns(self) -> int:
        return self.wall_ns

    def process_time_ns(self) -> int:
        return self.cpu_ns


def test_statistics_are_of_the_calls_after_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr(timing_module, "time", clock)
    durations_ms = iter([500, *range(1, 102)])  # the first is the warm-up

    def call() -> None:
        took = next(durations_ms)
        clock.wall_ns += took * 1_000_000
        clock.cpu_ns += took * 250_000

    timing = measure(call, repeats=101, warmup=1)
    assert (timing.median_ms, timing.cpu_ms_median, timing.n) == (51.0, 12.75, 101)
    assert timing.p99_ms == pytest.approx(100.0)


def test_peak_memory_grows_by_what_was_held() -> None:
    program = (
        "from common.runtime.timing import peak_rss_mib\n"
        "before = peak_rss_mib()\n"
        "block = b'x' * (100 << 20)\n"
        "del block\n"
        "print(before, peak_rss_mib())\n"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    before, after = map(float, told.stdout.split())
    assert 90 < after - before < 120


@pytest.mark.parametrize(("repeats", "warmup"), [(0, 0), (-1, 0), (1, -1)])
def test_senseless_counts_are_refused(repeats: int, warmup: int) -> None:
    with pytest.raises(ValueError, match="repeats must be"):
        measure(lambda: None, repeats=repeats, warmup=warmup)
