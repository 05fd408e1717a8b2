"""Progress is told on a terminal at once, elsewhere every ten seconds, and of no total none."""

from __future__ import annotations

import io

import pytest

from common import progress as module
from common.progress import progress

pytestmark = [pytest.mark.common, pytest.mark.base]


class Terminal(io.StringIO):
    """Says that somebody looks at it."""

    def isatty(self) -> bool:
        return True


def test_plain_lines_come_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    stream = io.StringIO()
    with progress(stream) as tell:
        for second in range(25):
            clock[0] = 100.0 + second
            tell(second, 25 if second < 15 else 0, "images")
    assert stream.getvalue().splitlines() == ["images: 10 of 25", "images: 20"]


def test_quick_work_says_nothing_in_a_log() -> None:
    stream = io.StringIO()
    with progress(stream) as tell:
        for i in range(1000):
            tell(i, 1000, "images")
    assert stream.getvalue() == ""


def shown(total: int) -> str:
    stream = Terminal()
    with progress(stream) as tell:
        tell(1, total, "reading")
        tell(3, total, "teaching")
    return stream.getvalue()


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that takes the whole bar."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_terminal_gets_a_bar_for_each_kind_of_work() -> None:
    told = shown(4)
    assert "reading" in told and "teaching" in told
    assert "3/4" in told


def test_an_unknown_total_is_not_made_up() -> None:
    told = shown(0)
    assert "3/?" in told
    assert "/100" not in told


def test_an_error_passes_through_and_the_bar_is_closed() -> None:
    stream = Terminal()
    with pytest.raises(KeyError), progress(stream) as tell:
        tell(1, 2, "reading")
        raise KeyError
    assert stream.getvalue().rstrip().endswith("\x1b[2K") or "\x1b[?25h" in stream.getvalue()
