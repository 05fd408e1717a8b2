"""UBX against RTKLIB's conversion of the same bytes, value by value, and against pyubx2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from positioning.gnss.formats import nav_pvt, rinex_nav, rinex_obs, ubx
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.observations import Observations

from .places import real

pytestmark = [pytest.mark.positioning, pytest.mark.data]

NAME = "16dBatt_no_interference_coldstart"
UNSENT = ("sent_s",)  # RTKLIB writes the time of the next subframe, we that of the message


def rows(observations: Observations) -> dict[tuple[float, int, int], int]:
    """(time, satellite, slot) -> row."""
    epoch = observations.epoch_of_row
    time_s = np.round(observations.week[epoch] * 604_800.0 + observations.tow_s[epoch], 3)
    return {
        (float(time_s[k]), int(observations.satellite[k]), int(slot)): int(k)
        for k, slot in zip(*np.nonzero(observations.signal != b""), strict=True)
    }


@pytest.fixture(scope="module")
def both() -> tuple[Observations, Observations]:
    """(ours of the UBX, RTKLIB's RINEX as far as the UBX goes)."""
    folder = real("gnss_coldstart")
    ours = ubx.read(folder / f"{NAME}.ubx")
    theirs = rinex_obs.read(folder / f"{NAME}.obs")
    end = int(np.searchsorted(theirs.tow_s, ours.tow_s[-1] + 0.01))
    return ours, theirs.epochs(0, end)


def test_every_observation_of_the_conversion_is_found(
    both: tuple[Observations, Observations],
) -> None:
    ours, theirs = map(rows, both)
    assert len(theirs) > 11_000
    assert ours.keys() == theirs.keys()


def test_values_agree_to_the_digits_of_rinex(both: tuple[Observations, Observations]) -> None:
    ours, theirs = both
    mine, other = rows(ours), rows(theirs)
    slots = np.array([key[2] for key in mine])
    at, there = (np.array(list(mine.values())), slots), (np.array([other[k] for k in mine]), slots)
    for name, digit in (("code_m", 1e-3), ("phase_cycles", 1e-3), ("doppler_hz", 1.2e-3)):
        a, b = getattr(ours, name)[at], getattr(theirs, name)[there]
        known = np.isfinite(b)
        assert known.sum() > 10_900
        assert np.abs(a - b)[known].max() <= 0.51 * digit
    assert np.array_equal(ours.cn0_dbhz[at], theirs.cn0_dbhz[there])
    assert np.array_equal(ours.half_cycle[at], theirs.half_cycle[there])


def test_ephemerides_are_those_of_the_conversion_to_the_last_bit() -> None:
    folder = real("gnss_coldstart")
    ours = ubx.read_navigation(folder / f"{NAME}.ubx")
    theirs = rinex_nav.read(folder / f"{NAME}.nav")
    key = ["satellite", "message", "toe_week", "toe_s", "issue"]
    known = {tuple(record[key].tolist()): record for record in theirs.kepler}
    assert len(ours.kepler) == 28
    for record in ours.kepler:
        other = known[tuple(record[key].tolist())]
        for name in ours.kepler.dtype.names or ():
            if name not in UNSENT:
                assert record[name] == pytest.approx(other[name], rel=1e-11, abs=1e-30), name
        assert 0 <= other["sent_s"] - record["sent_s"] <= 60
    assert ours.ionosphere["GAL"] == pytest.approx(theirs.ionosphere["GAL"], rel=1e-3)


def test_the_time_to_first_fix_is_the_receiver_s_own() -> None:
    told = nav_pvt.statuses(real("gnss_coldstart", f"{NAME}.ubx"))
    assert set(np.unique(told["ttff_ms"])) == {0, 48_709}


def test_positions_agree_with_pyubx2() -> None:
    pyubx2 = pytest.importorskip("pyubx2")
    path = real("gnss_coldstart", "F9T-L2-5min.ubx")
    ours = nav_pvt.read(path)
    with path.open("rb") as stream:
        reader = pyubx2.UBXReader(stream, protfilter=2, parsing=False)
        raw = [data for data, _ in reader if data[2:4] == b"\x01\x07"]
    assert len(raw) == len(ours) == 299
    for k in (0, 150, 298):
        told = pyubx2.UBXReader.parse(raw[k])
        assert told.iTOW * 1e-3 == pytest.approx(ours.tow_s[k])
        assert told.numSV == ours.satellites[k]
        up = ours.position_m[k] / np.linalg.norm(ours.position_m[k])
        assert np.rad2deg(np.arctan2(up[1], up[0])) == pytest.approx(told.lon, abs=1e-6)
        speed = np.hypot(np.hypot(told.velN, told.velE), told.velD) * 1e-3
        assert ours.velocity_mps is not None
        assert np.linalg.norm(ours.velocity_mps[k]) == pytest.approx(speed)


def test_a_damaged_file_loses_the_damaged_frames_alone(tmp_path: Path) -> None:
    data = bytearray(real("gnss_coldstart", "F9T-L2-5min.ubx").read_bytes()[:300_000])
    path = tmp_path / "damaged.ubx"
    path.write_bytes(data)
    whole = ubx.read(path)
    rng = np.random.default_rng(5)
    for at in rng.integers(0, len(data), 20):
        data[at] ^= 0xFF
    path.write_bytes(data)
    told = ubx.Told()
    left = ubx.read(path, told)
    assert 10 <= told.counts.corrupt <= 40  # a wrong length takes the frame behind it along
    assert len(whole) - 40 <= len(left) < len(whole)
    kept = np.searchsorted(whole.tow_s, left.tow_s)
    assert np.array_equal(whole.tow_s[kept], left.tow_s)
    first = (left.satellite[: left.first[1]], whole.satellite[slice(*whole.first[kept[0] :][:2])])
    assert np.array_equal(*first)


def test_what_is_no_receiver_s_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.ubx"
    path.write_bytes(b"hello " * 100)
    with pytest.raises(GnssFileError, match=r"text\.ubx: 600 bytes without a frame"):
        ubx.read(path)
