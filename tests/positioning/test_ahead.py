"""Work done beforehand: its result or error reaches who waits, and nobody waits after a stop."""

from __future__ import annotations

import threading

import pytest

from positioning.ahead import Ahead

pytestmark = pytest.mark.positioning


def test_the_result_and_the_error_reach_who_waits() -> None:
    stop = threading.Event()
    assert Ahead(lambda: 7, stop).wait() == 7
    failing = Ahead(lambda: [][1], stop)
    with pytest.raises(IndexError):
        failing.wait()


def test_after_a_stop_nobody_waits_and_nothing_more_is_begun() -> None:
    stop, go, runs, begun = threading.Event(), threading.Event(), threading.Event(), []

    def work(name: str) -> str:
        begun.append(name)
        runs.set()
        assert go.wait(10)
        return name

    first = Ahead(lambda: work("first"), stop)
    assert runs.wait(10)
    second = Ahead(lambda: work("second"), stop)
    assert not first.is_done and not second.is_done
    stop.set()
    assert second.wait() is None
    go.set()
    after = Ahead(lambda: "after", threading.Event())
    assert after.wait() == "after", "who comes later has its turn"
    assert begun == ["first"]
