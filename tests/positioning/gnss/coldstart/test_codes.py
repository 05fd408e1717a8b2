"""Codes against what the interface documents print, and what theory says of them."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.gnss.coldstart import codes

pytestmark = pytest.mark.positioning


def octal(chips: np.ndarray) -> str:
    return format(int("".join("1" if chip < 0 else "0" for chip in chips), 2), "o")


@pytest.mark.parametrize(
    ("prn", "first"),
    [(1, "1440"), (2, "1620"), (5, "1133"), (10, "1504"), (19, "1633"), (25, "1743"), (32, "1712")],
)
def test_ca_codes_begin_as_printed(prn: int, first: str) -> None:
    assert octal(codes.chips("G", prn)[:10]) == first


def test_b1c_code_begins_and_ends_as_printed() -> None:
    code = codes.chips("C", 1)
    assert (octal(code[:24]), octal(code[-24:])) == ("71676756", "13053205")


def test_gold_codes_correlate_in_three_values_alone() -> None:
    one, two = (codes.chips("G", prn).astype(float) for prn in (7, 21))
    cross = np.rint(np.fft.ifft(np.fft.fft(one) * np.conj(np.fft.fft(two))).real).astype(int)
    assert set(cross) == {-65, -1, 63}


@pytest.mark.parametrize(("system", "length"), codes.LENGTHS.items())
def test_a_code_is_itself_at_zero_and_little_elsewhere(system: codes.System, length: int) -> None:
    code = codes.chips(system, 20).astype(float)
    correlation = np.abs(np.fft.ifft(np.abs(np.fft.fft(code)) ** 2).real)
    assert correlation[0] == pytest.approx(length)
    assert correlation[1:].max() < 6 * np.sqrt(length)


@pytest.mark.parametrize(("system", "prn"), [("G", 0), ("G", 33), ("C", 64)])
def test_satellites_without_a_code_are_named(system: codes.System, prn: int) -> None:
    with pytest.raises(ValueError, match=f"not {prn}"):
        codes.chips(system, prn)
