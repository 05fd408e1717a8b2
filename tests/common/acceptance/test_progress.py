"""What a run tells while it runs."""

from __future__ import annotations

import io

import pytest

from common.acceptance import progress

pytestmark = [pytest.mark.common, pytest.mark.base]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_plain_lines_come_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    stream = io.StringIO()
    with progress.display(2, stream) as shown:
        shown.begin("a")
        for second in range(25):
            clock[0] = 100.0 + second
            shown.update("a", second, 25, "parts")
            shown.tick()
        shown.end("a", "done in 25.0 s")
    assert stream.getvalue().splitlines() == [
        "[0/2, 10 s] a 10/25 parts",
        "[0/2, 20 s] a 20/25 parts",
        "[1/2, 24 s] a: done in 25.0 s",
    ]


def test_a_terminal_gets_bars() -> None:
    stream = Terminal()
    with progress.display(2, stream) as shown:
        shown.begin("a")
        shown.update("a", 1, 4, "[bold]parts[/bold]")
        shown.end("a", "done")
        shown.tick()
    told = stream.getvalue()
    assert "a: done" in told
    assert "experiments" in told
    assert "\x1b[" in told
