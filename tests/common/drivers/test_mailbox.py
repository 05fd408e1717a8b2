"""The hand-over between threads."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drivers.base import (
    ClosedError,
    DriverTimeoutError,
    EndOfStreamError,
    StaleError,
)
from common.drivers.mailbox import Mailbox
from common.types.stamped import Stamped

pytestmark = pytest.mark.common

DEPTH = 4


def letter(seq: int) -> Stamped[int]:
    return Stamped(seq, seq, seq, "base_link", seq)


def box(lossless: bool = False, shelf_life_s: float | None = None) -> Mailbox[int]:
    return Mailbox(DEPTH, lossless=lossless, shelf_life_s=shelf_life_s)


@given(st.integers(1, 30))
def test_the_newest_survive_in_order(count: int) -> None:
    mail = box()
    gone = sum(mail.put(letter(n), time.monotonic()) for n in range(count))
    kept = [mail.take(0.0, "")[0].value for _ in range(min(count, DEPTH))]
    assert kept == list(range(count))[-DEPTH:]
    assert gone == max(count - DEPTH, 0)
    with pytest.raises(DriverTimeoutError):
        mail.take(0.0, "")


def test_lossless_makes_the_source_wait() -> None:
    mail, put = box(lossless=True), []

    def source() -> None:
        for n in range(50):
            mail.put(letter(n), time.monotonic())
            put.append(n)

    thread = threading.Thread(target=source)
    thread.start()
    time.sleep(0.1)
    assert len(put) == DEPTH
    assert [mail.take(10.0, "")[0].value for _ in range(50)] == list(range(50))
    thread.join(10.0)


def test_closing_frees_a_waiting_source() -> None:
    mail = box(lossless=True)
    thread = threading.Thread(target=lambda: [mail.put(letter(n), 0.0) for n in range(99)])
    thread.start()
    time.sleep(0.05)
    mail.finish(ClosedError("closed"))
    thread.join(10.0)
    assert not thread.is_alive()


def test_the_end_comes_after_the_rest_and_closing_before_it() -> None:
    mail = box()
    mail.put(letter(0), time.monotonic())
    mail.put(letter(1), time.monotonic())
    mail.finish(EndOfStreamError("end"))
    assert mail.take(0.0, "")[0].value == 0
    assert mail.newest(60.0).value == 1
    with pytest.raises(EndOfStreamError):
        mail.take(0.0, "")
    mail.finish(ClosedError("closed"))
    with pytest.raises(ClosedError):
        mail.newest(60.0)


def test_what_is_past_its_shelf_life_is_passed_over_and_counted() -> None:
    mail = box(shelf_life_s=1.0)
    now = time.monotonic()
    for n, age_s in enumerate([5.0, 3.0, 0.0]):
        mail.put(letter(n), now - age_s)
    sample, passed = mail.take(0.0, "")
    assert (sample.value, passed) == (2, 2)


def test_the_age_of_the_newest_is_its_capture_not_its_arrival() -> None:
    mail = box()
    with pytest.raises(StaleError, match="no sample yet"):
        mail.newest(1.0)
    mail.put(letter(0), time.monotonic() - 2.0)
    with pytest.raises(StaleError, match=r"2\.\d+ s old"):
        mail.newest(1.0)
    assert mail.newest(10.0).value == 0


def test_clear_forgets_even_the_newest() -> None:
    mail = box()
    mail.put(letter(0), time.monotonic())
    assert mail.clear() == 1
    with pytest.raises(StaleError):
        mail.newest(60.0)
