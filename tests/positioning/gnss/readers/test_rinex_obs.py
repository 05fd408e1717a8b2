"""RINEX observations: round trips, other people's files, and every kind of broken line."""

from __future__ import annotations

import gzip
import tempfile
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from positioning.gnss.formats import rinex_obs
from positioning.gnss.formats.errors import GnssFileError, Refusal
from positioning.gnss.formats.fields import decimal, line_count, line_starts, observed
from positioning.gnss.observations import Observations
from positioning.gnss.satellite import BANDS, FREQUENCIES_HZ, encode
from tests.conftest import data_set

pytestmark = pytest.mark.positioning

HEADER = """\
     3.04           OBSERVATION DATA    M                   RINEX VERSION / TYPE
  4433469.9438   362672.7081  4556211.6409                  APPROX POSITION XYZ
G    4 C1C L1C D1C S1C                                      SYS / # / OBS TYPES
C    8 C2I L2I D2I S2I C6I L6I D6I S6I                      SYS / # / OBS TYPES
  2021     3    19    12     0    0.0000000     GPS         TIME OF FIRST OBS
                                                            END OF HEADER
"""
G07 = "G07  20123456.789   105750846.12317     -1234.567          45.500"
G09 = "G09  21123456.789   110750846.123 7      1234.567          40.250"
EPOCH = "> 2021 03 19 12 00{:11.7f}  0{:3d}"
UNDATED = EPOCH.format(1, 1).replace("03 19", "13 19")


def written(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "made.obs"
    path.write_text(header + "\n".join(lines) + "\n")
    return path


def many(rng: np.random.Generator, epochs: int) -> Observations:
    """Random rows of five systems, with gaps."""
    slots = {"G": ("1C", "2W", "5Q"), "R": ("1C", "2P", ""), "E": ("1C", "7Q", "5Q"),
             "C": ("2I", "7I", "6I"), "J": ("1C", "2L", "5Q")}  # fmt: skip
    names = [f"{s}{n:02d}" for s in slots for n in (1, 4, 11)]
    satellites = np.array(sorted(encode(n) for n in names), np.int16)
    chosen = [satellites[rng.random(len(satellites)) < 0.7] for _ in range(epochs)]
    satellite = np.concatenate(chosen)
    rows = len(satellite)
    signal = np.array([[x.encode() for x in slots["GRECJ"[s // 100]]] for s in satellite], "S2")
    has = (rng.random((rows, BANDS)) < 0.9) & (signal != b"")
    has[:, 0] = True
    has[satellite // 100 == 3, 1] = True  # else B3I takes the empty slot
    signal[~has] = b""
    frequency = np.full((rows, BANDS), np.nan)
    for r, b in zip(*np.nonzero(has), strict=True):
        letter, band = "GRECJ"[satellite[r] // 100], signal[r, b].decode()[0]
        channel = int(satellite[r]) % 7 - 3
        glonass = {"1": 1602e6 + channel * 0.5625e6, "2": 1246e6 + channel * 0.4375e6}
        frequency[r, b] = glonass[band] if letter == "R" else FREQUENCIES_HZ[letter + band]

    def values(low: float, high: float) -> np.ndarray:
        return np.where(has, np.round(rng.uniform(low, high, (rows, BANDS)), 3), np.nan)

    return Observations(
        week=np.full(epochs, 2149, np.int32),
        tow_s=np.arange(epochs) * 0.2 + 604_799.2 - 0.2 * epochs,
        first=np.concatenate(([0], np.cumsum([len(c) for c in chosen]))).astype(np.int64),
        satellite=satellite,
        code_m=values(2e7, 4e7),
        phase_cycles=values(-2e8, 2e8),
        doppler_hz=values(-5e3, 5e3).astype(np.float32),
        cn0_dbhz=values(20, 55).astype(np.float32),
        slip=has & (rng.random((rows, BANDS)) < 0.1),
        half_cycle=has & (rng.random((rows, BANDS)) < 0.1),
        signal=signal,
        frequency_hz=frequency,
        approx_position_m=np.array([4433469.9438, 362672.7081, 4556211.6409]),
    )


def assert_same(one: Observations, other: Observations) -> None:
    for field in fields(Observations):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if left.dtype.kind == "f":
            np.testing.assert_allclose(left, right, rtol=0, atol=6e-4, err_msg=field.name)
        else:
            np.testing.assert_array_equal(left, right, err_msg=field.name)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    observations = many(np.random.default_rng(7), 30)
    rinex_obs.write(tmp_path / "a.obs", observations)
    refusals: list[Refusal] = []
    assert_same(rinex_obs.read(tmp_path / "a.obs", refusals), observations)
    assert refusals == []


def test_gzip_and_hatanaka_are_unpacked(tmp_path: Path) -> None:
    hatanaka = pytest.importorskip("hatanaka")
    observations = many(np.random.default_rng(8), 5)
    plain = tmp_path / "a.rnx"
    rinex_obs.write(plain, observations)
    (tmp_path / "a.crx.gz").write_bytes(gzip.compress(hatanaka.rnx2crx(plain.read_bytes())))
    assert_same(rinex_obs.read(tmp_path / "a.crx.gz"), observations)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(plain.read_bytes())[:-20])
    with pytest.raises(GnssFileError, match=r"cut.gz.*gzip"):
        rinex_obs.read(tmp_path / "cut.gz")


@given(
    st.decimals(-99_999_999, 999_999_999, places=3, allow_nan=False),
    st.sampled_from(["{:14.3f}", "{:<14.3f}"]),
)
def test_a_field_is_what_float_makes_of_it(value: object, form: str) -> None:
    text = form.format(value)[:14].encode() + b"        "
    buffer = np.frombuffer(text, dtype=np.uint8)
    assert observed(buffer, 0, len(buffer)) == float(text[:14])
    assert decimal(buffer, 0, 14) == float(text[:14])


@given(st.text("0123456789 .-+xE", min_size=14, max_size=14))
def test_a_field_is_never_a_wrong_number(text: str) -> None:
    buffer = np.frombuffer(text.encode() + b" " * 8, dtype=np.uint8)
    value = observed(buffer, 0, len(buffer))
    try:
        expected = float(text) if text.strip() else np.nan
    except ValueError:
        expected = np.inf
    plain = "E" not in text and "x" not in text and sum(c.isdigit() for c in text) <= 18
    if plain or not np.isinf(value):
        np.testing.assert_equal(value, expected)


@given(
    st.decimals(-99_999_999, 999_999_999, places=3, allow_nan=False),
    st.lists(st.tuples(st.integers(0, 13), st.sampled_from("0179 .-+x")), max_size=2),
)
def test_a_field_that_is_hardly_damaged_is_never_a_wrong_number(
    value: object, changes: list[tuple[int, str]]
) -> None:
    text = list(f"{value:14.3f}"[:14])
    for at, sign in changes:
        text[at] = sign
    buffer = np.frombuffer("".join(text).encode() + b"7 ", dtype=np.uint8)
    try:
        expected = float("".join(text)) if "".join(text).strip() else np.nan
    except ValueError:
        expected = np.inf
    np.testing.assert_equal(observed(buffer, 0, len(buffer)), expected)


def test_a_minus_apart_from_its_digits_is_no_number() -> None:
    for text in (b"-    45.400   ", b" -   45.400  7", b"-1-  45.400   "):
        buffer = np.frombuffer(text + b"  ", dtype=np.uint8)
        assert observed(buffer, 0, len(buffer)) == np.inf


@given(st.binary(max_size=200).map(lambda b: b.replace(b"a", b"\n")))
def test_lines_are_those_that_bytes_split_into(data: bytes) -> None:
    buffer = np.frombuffer(data, dtype=np.uint8)
    starts = line_starts(buffer, 0, line_count(buffer, 0))
    pieces = [data[a:b] for a, b in pairwise(starts)]
    assert [p.rstrip(b"\n") for p in pieces] == [x for x in data.split(b"\n") if x or data][
        : len(pieces)
    ]
    assert b"".join(pieces) == data


def test_the_numbers_of_a_line_by_hand(tmp_path: Path) -> None:
    o = rinex_obs.read(written(tmp_path, EPOCH.format(0, 2), G09, G07))
    assert (o.week[0], o.tow_s[0]) == (2149, 475_200.0)
    assert list(o.satellite) == [7, 9]  # sorted
    assert o.code_m[0, 0] == 20123456.789
    assert o.phase_cycles[0, 0] == 105750846.123
    assert o.slip[0, 0] and not o.half_cycle[0, 0] and not o.slip[1, 0]
    assert o.doppler_hz[0, 0] == np.float32(-1234.567)
    assert list(o.signal[0]) == [b"1C", b"", b""]
    assert o.approx_position_m is not None and o.approx_position_m[1] == 362672.7081


def test_band_three_of_beidou_fills_the_empty_slot(tmp_path: Path) -> None:
    both = "C23" + "  22123456.789  " * 2 + " " * 32 + "  22123460.789  "
    o = rinex_obs.read(written(tmp_path, EPOCH.format(0, 1), both))
    assert list(o.signal[0]) == [b"2I", b"6I", b""]
    assert o.frequency_hz[0, 1] == 1268.52e6


BROKEN = [
    ([EPOCH.format(0, 2), G07, G09.replace("21123456", "211x3456")], "no number", 9, 1),
    ([EPOCH.format(0, 2), G07, G09[:45]], "cut off", 9, 1),
    ([EPOCH.format(0, 2), G07, "Q09" + G09[3:]], "no satellite", 9, 1),
    ([EPOCH.format(0, 2), G07, G07], "already observed", 9, 1),
    ([EPOCH.format(0, 3), G07, G09], "another number", 7, 2),
    ([EPOCH.format(0, 1), G07, UNDATED, G09], "calendar", 9, 1),
    ([EPOCH.format(1, 1), G07, EPOCH.format(0, 1), G09], "not after", 9, 1),
    ([EPOCH.format(0, 2), G07, "E11" + G09[3:]], "no observation types", 9, 1),
    ([EPOCH.format(0, 1), G07, "> 2021 02 30 12 00  0.0000000  0  1", G09], "calendar", 9, 1),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "what", "line", "kept"), BROKEN)
def test_a_broken_line_is_named_and_left_out(
    tmp_path: Path, lines: list[str], what: str, line: int, kept: int
) -> None:
    refusals: list[Refusal] = []
    path = written(tmp_path, *lines)
    o = rinex_obs.read(path, refusals)
    assert [(r.path, r.line) for r in refusals] == [(path, line)]
    assert what in refusals[0].what
    assert len(o.satellite) == kept and o.satellite[0] == 7


NOT_RINEX = [
    (b"", "not a RINEX file"),
    (b"\x00" * 200, "not a RINEX file"),
    (HEADER.replace("3.04", "9.99").encode(), "RINEX 9.99 is not read"),
    (HEADER.replace("OBSERVATION DATA", "NAVIGATION DATA ").encode(), "not observations"),
    (HEADER.split("END")[0].encode(), "no END OF HEADER"),
    (HEADER.encode(), "no epoch"),
]


@pytest.mark.parametrize(("data", "what"), NOT_RINEX)
def test_what_is_no_observation_file_is_an_error_that_names_it(
    tmp_path: Path, data: bytes, what: str
) -> None:
    path = tmp_path / "bad.obs"
    path.write_bytes(data)
    with pytest.raises(GnssFileError, match=f"bad.obs.*{what}"):
        rinex_obs.read(path)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(GnssFileError, match=r"gone\.obs: No such file"):
        rinex_obs.read(tmp_path / "gone.obs")


@given(st.data())
def test_damage_never_raises_and_never_invents(data: st.DataObject) -> None:
    lines = HEADER + "\n".join(line for e in range(4) for line in (EPOCH.format(e, 2), G07, G09))
    text = bytearray(lines.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(len(HEADER), len(text) - 1))
        text[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(HEADER) + 110, len(text)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.obs"
        path.write_bytes(bytes(text[:cut]))
        try:
            o = rinex_obs.read(path, [])
        except GnssFileError:
            return
    assert np.all(np.diff(o.tow_s + o.week * 604_800.0) > 0)
    assert len(o) <= 5 and len(o.satellite) <= 12


@pytest.mark.data
def test_rinex_2_of_berlin(real_data: Path) -> None:
    refusals: list[Refusal] = []
    o = rinex_obs.read(data_set(real_data, "gnss_berlin") / "Berlin_Potsdamer_Platz.obs", refusals)
    assert refusals == []
    assert (len(o), len(o.satellite)) == (1375, _satellites_told(real_data))
    first = dict(zip(o.satellite[: o.first[1]], o.code_m[: o.first[1], 0], strict=True))
    assert first[12] == 19834589.652 and first[120] == 19784632.158
    assert first[520] == 39064556.539  # SBAS


def _satellites_told(root: Path) -> int:
    """The sum of the counts in the epochs' own lines."""
    lines = (root / "gnss_berlin/Berlin_Potsdamer_Platz.obs").read_text().splitlines()
    return sum(int(line[29:32]) for line in lines if line[:4] == " 16 " and line[26:29] == "  0")


@pytest.mark.data
def test_real_files_read_as_another_reader_does(real_data: Path) -> None:
    """Against a slow reader of a few lines, written here for RINEX 3 alone."""
    folder = data_set(real_data, "gnss_static_1m") / "dev"
    o = rinex_obs.read(folder / "rover.obs")
    lines = (folder / "rover.obs").read_text().splitlines()
    rows = [line for line in lines if line[:1] == "G" and line[1:3].strip().isdigit()]
    rows = [line for line in rows if line[60:].strip() != "SYS / # / OBS TYPES"]
    codes = [float(line[19:33]) for line in rows if line[19:33].strip()]  # X1 comes before C1C
    is_gps = (o.satellite < 100) & (o.signal[:, 0] == b"1C") & np.isfinite(o.code_m[:, 0])
    assert sorted(codes) == sorted(o.code_m[is_gps, 0])
