"""RTCM 3: messages packed by hand after the standard's tables, and what they were packed from."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from common.drivers.gnss.framing import Framer, rtcm
from common.drivers.gnss.replay import GPS_UNIX_S
from common.drivers.gnss.rtcm import LEAP_S, RtcmDecoder
from common.drivers.registry import open_driver
from common.types.gnss import WEEK_S, GnssEpoch
from positioning.gnss.formats import rtcm as reader
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.navigation import Message
from tests.common.drivers.lines import Line

from .bitwriter import packed, sign_magnitude

pytest.importorskip("pyrtcm")
pytestmark = pytest.mark.positioning

LIGHT_MPS = 299_792_458.0
MS_M = LIGHT_MPS * 1e-3
WEEK, TOW_S = 2363, 455_887.0


def msm(
    number: int, time_field: tuple[tuple[int, int], ...], satellite: int, signal: int,
    code_m: float, phase_m: float, more: bool, channel: int = 0,
) -> bytes:  # fmt: skip
    """MSM7 of one satellite and signal (10403.3, tables 3.5-78 to 3.5-91): rate -612.3 m/s."""
    rough = round(code_m / MS_M * 1024)
    fine_code = round((code_m / MS_M - rough / 1024) * 2**29)
    fine_phase = round((phase_m / MS_M - rough / 1024) * 2**31)
    satellites, signals = 1 << (64 - satellite), 1 << (32 - signal)
    fields = [(12, number), (12, 7), *time_field, (1, int(more)), (3, 0), (7, 0), (2, 0), (2, 0),
              (1, 0), (3, 0), (64, satellites), (32, signals), (1, 1)]  # fmt: skip
    fields += [(8, rough // 1024), (4, channel), (10, rough % 1024), (14, -612)]
    fields += [(20, fine_code), (24, fine_phase), (10, 704), (1, 1), (10, 45 * 16), (15, -3000)]
    return rtcm(packed(*fields))


def epochs(*frames: bytes, near: tuple[int, float] = (WEEK, TOW_S)) -> list[GnssEpoch]:
    decoder, framer = RtcmDecoder(near), Framer()
    return [epoch for f in framer.feed(b"".join(frames)) for epoch in decoder.decode(f)]


def test_systems_of_one_time_become_one_epoch() -> None:
    """GPS, BeiDou 14 s behind, and GLONASS in Moscow's time of day."""
    code, phase = 2.2e7 + 0.123, 2.2e7 - 1.5
    day, of_day = divmod(TOW_S - 18 + 3 * 3600, 86_400)
    times = {
        1077: ((30, round(TOW_S * 1000)),),
        1127: ((30, round((TOW_S - 14) * 1000)),),
        1087: ((3, int(day)), (27, round(of_day * 1000))),
    }
    (epoch,) = epochs(
        msm(1077, times[1077], 5, 2, code, phase, True),
        msm(1127, times[1127], 21, 2, code, phase, True),
        msm(1087, times[1087], 3, 2, code, phase, False, channel=7 - 4),
    )
    assert (epoch.week, epoch.tow_s) == (WEEK, TOW_S)
    told = epoch.signals
    assert told["satellite"].tolist() == [b"G05", b"C21", b"R03"]
    assert told["signal"].tolist() == [b"1C", b"2I", b"1C"]
    carriers = np.array([1575.42e6, 1561.098e6, 1602e6 - 4 * 0.5625e6])
    assert told["frequency_hz"] == pytest.approx(carriers)
    assert told["code_m"] == pytest.approx(code, abs=MS_M * 2.0**-30)
    assert told["phase_cycles"] == pytest.approx(phase * carriers / LIGHT_MPS, abs=1e-3)
    assert told["doppler_hz"] == pytest.approx(612.3 * carriers / LIGHT_MPS, abs=1e-3)
    assert told["cn0_dbhz"] == pytest.approx(45.0)
    assert told["half_cycle"].all() and told["lock_s"] == pytest.approx(67_108.864)


def test_an_epoch_ends_when_another_time_begins() -> None:
    first = msm(1077, ((30, 1000),), 5, 2, 2.2e7, 2.2e7, True)
    second = msm(1077, ((30, 2000),), 5, 2, 2.2e7, 2.2e7, False)
    assert [epoch.tow_s for epoch in epochs(first, second)] == [1.0, 2.0]


def test_the_week_goes_on_at_its_end() -> None:
    frames = [msm(1077, ((30, ms),), 5, 2, 2.2e7, 2.2e7, False) for ms in (604_799_000, 0, 1000)]
    got = epochs(*frames, near=(WEEK, 604_000.0))
    assert [(e.week, e.tow_s) for e in got] == [(WEEK, 604_799.0), (WEEK + 1, 0.0), (WEEK + 1, 1.0)]


def beidou_ephemeris() -> bytes:
    """1042 in the order of 10403.3, table 3.5-21.1 (raw integers)."""
    return rtcm(packed(
        (12, 1042), (6, 30), (13, 2363 - 1356), (4, 0), (14, -123), (5, 1), (17, 455_600 // 8),
        (11, 5), (22, -70_000), (24, 1_234_567), (5, 2), (18, 7_001), (16, 11_111), (32, -1 << 30),
        (18, 99), (32, 1 << 24), (18, -98), (32, 2_770_000_000), (17, 455_600 // 8), (18, 17),
        (32, 123_456_789), (18, -18), (32, 657_000_000), (18, 14_000), (32, 987_654_321),
        (24, -22_000), (10, -57), (10, 33), (1, 0),
    ))  # fmt: skip


def galileo_ephemeris() -> bytes:
    """1046 in the order of 10403.3, table 3.5-111."""
    return rtcm(packed(
        (12, 1046), (6, 11), (12, WEEK - 1024), (10, 77), (8, 107), (14, 321), (14, 455_400 // 60),
        (6, 0), (21, -4_321), (31, 98_765), (16, -700), (16, 8_888), (32, 1 << 28), (16, -5),
        (32, 1 << 22), (16, 6), (32, 2_852_000_000), (14, 455_400 // 60), (16, 2), (32, -400_000),
        (16, -3), (32, 650_000_000), (16, 3_000), (32, 5_000), (24, -16_000), (10, 8), (10, 9),
        (2, 0), (1, 0), (2, 0), (1, 0), (2, 0),
    ))  # fmt: skip


def glonass_ephemeris() -> bytes:
    """1020 in the order of 10403.3, table 3.5-20; tb 93: 23:15 in Moscow."""
    s = sign_magnitude
    return rtcm(packed(
        (12, 1020), (6, 3), (5, 7 - 4), (1, 0), (1, 0), (2, 0), (12, 0), (1, 0), (1, 0), (7, 93),
        s(24, -1_500_000), s(27, 20_000_000), s(5, -2), s(24, 700_000), s(27, -43_000_000),
        s(5, 1), s(24, 2_400_000), s(27, 19_000_000), s(5, 0), (1, 0), s(11, 2), (2, 0), (1, 0),
        s(22, -54_321), s(5, 1), (5, 0), (1, 0), (4, 0), (11, 0), (2, 0), (1, 0), (11, 0),
        s(32, 0), (5, 0), s(22, 0), (1, 0), (7, 0),
    ))  # fmt: skip


def test_ephemerides_mean_what_was_packed() -> None:
    near = (WEEK, 4 * 86_400 + 72_900.0)
    told = reader.navigation([galileo_ephemeris(), beidou_ephemeris(), glonass_ephemeris()], near)
    e, c = told.kepler
    assert (e["satellite"], e["message"]) == (211, Message.INAV)
    assert (c["satellite"], c["message"]) == (330, Message.D1)
    assert (
        e["toe_week"] == c["toe_week"] == WEEK and e["toe_s"] == 455_400 and c["toe_s"] == 455_600
    )
    assert e["clock_bias_s"] == 98_765 * 2.0**-34 and c["clock_bias_s"] == 1_234_567 * 2.0**-33
    assert e["clock_drift"] == -4_321 * 2.0**-46 and c["clock_drift"] == -70_000 * 2.0**-50
    assert e["m0"] == pytest.approx(math.pi / 8) and c["m0"] == pytest.approx(-math.pi / 2)
    assert e["sqrt_a"] == 2_852_000_000 * 2.0**-19 and c["sqrt_a"] == 2_770_000_000 * 2.0**-19
    assert c["crs"] == 7_001 * 2.0**-6 and e["crs"] == -700 * 2.0**-5
    assert c["cuc"] == 99 * 2.0**-31 and e["cuc"] == -5 * 2.0**-29
    assert c["delay0_s"] == pytest.approx(-5.7e-9) and e["delay1_s"] == 9 * 2.0**-32
    assert e["accuracy_m"] == 3.12 and c["accuracy_m"] == 2.4


def test_a_glonass_ephemeris_is_of_gps_time_and_metres() -> None:
    (r,) = reader.navigation([glonass_ephemeris()], (WEEK, 4 * 86_400 + 72_900.0)).glonass
    assert (r["satellite"], r["channel"], r["toe_week"]) == (103, -4, WEEK)
    assert r["toe_s"] == 4 * 86_400 + 93 * 900 - 3 * 3600 + 18
    assert r["position_m"] == pytest.approx(np.array([2e7, -4.3e7, 1.9e7]) * 1000 / 2**11)
    assert r["velocity_mps"] == pytest.approx(np.array([-1.5e6, 7e5, 2.4e6]) * 1000 / 2**20)
    assert r["clock_bias_s"] == 54_321 * 2.0**-30 and r["clock_drift"] == 2 * 2.0**-40


def test_the_station_s_place_and_the_week_come_from_the_file(tmp_path: Path) -> None:
    place = (-3_959_400.631, 3_385_704.533, 3_667_523.111)
    raw = [round(value * 1e4) for value in place]
    station = rtcm(packed((12, 1005), (12, 1), (6, 0), (1, 1), (1, 1), (1, 0), (1, 0), (38, raw[0]),
                          (1, 0), (1, 0), (38, raw[1]), (2, 0), (38, raw[2])))  # fmt: skip
    path = tmp_path / "base.rtcm3"
    observed = msm(1077, ((30, round(TOW_S * 1000)),), 5, 2, 2.2e7, 2.2e7, False)
    path.write_bytes(station + galileo_ephemeris() + observed)
    found = reader.read(path)
    assert (found.week[0], found.tow_s[0]) == (WEEK, TOW_S)
    assert found.approx_position_m == pytest.approx(place)
    path.write_bytes(observed)
    with pytest.raises(GnssFileError, match="--week"):
        reader.read(path)
    assert reader.read(path, WEEK).week[0] == WEEK


def test_broken_messages_are_counted_and_skipped(tmp_path: Path) -> None:
    good = msm(1077, ((30, 5000),), 5, 2, 2.2e7, 2.2e7, False)
    short = rtcm(good[3:-3][:20])
    path = tmp_path / "short.rtcm3"
    path.write_bytes(short + good)
    told = reader.Told()
    assert len(reader.read(path, WEEK, told)) == 1
    assert told.refused == 1


def test_a_receiver_of_any_maker_is_read_from_a_serial_line() -> None:
    """Two systems an epoch, cut where no frame ends; one frame damaged on its way."""
    pytest.importorskip("serial")
    week, second = divmod(time.time() - GPS_UNIX_S + LEAP_S, WEEK_S)
    first_s, code, phase = math.floor(second), 2.2e7 + 0.123, 2.2e7 - 1.5
    place = rtcm(packed((12, 1005), (140, 0)))
    stream = bytearray(b"$GNGGA,junk\r\n" + place)
    edges = []
    for k in range(30):
        ms = round(((first_s + k / 10) % WEEK_S) * 1000)
        behind = round(((first_s + k / 10 - 14) % WEEK_S) * 1000)
        stream += msm(1077, ((30, ms),), 5, 2, code + k, phase + k, True)
        stream += msm(1127, ((30, behind),), 21, 2, code, phase, False)
        if k == 20:
            stream[-9] ^= 0x10
        edges.append(len(stream))
    at = [0, *(edge - 5 for edge in edges), len(stream)]
    pieces = [bytes(stream[a:b]) for a, b in pairwise(at)]
    with Line() as line:
        config = {"kind": "gnss", "type": "serial", "port": line.port, "protocol": "rtcm",
                  "rate_hz": 10.0}  # fmt: skip
        with open_driver(config) as receiver:
            line.play(pieces, 0.02)
            got = [receiver.read(5.0) for _ in range(30)]
            counters = receiver.health.counters
    told = [one.value for one in got]
    assert [epoch.tow_s for epoch in told] == pytest.approx(
        [(first_s + k / 10) % WEEK_S for k in range(30)]
    )
    assert all(epoch.week in (int(week), int(week) + 1) for epoch in told)
    assert told[0].navigation == (place,) and not any(epoch.navigation for epoch in told[1:])
    names = [epoch.signals["satellite"].tolist() for epoch in told]
    assert names.pop(20) == [b"G05"]
    assert all(name == [b"G05", b"C21"] for name in names)
    ranges = [float(epoch.signals["code_m"][0]) for epoch in told]
    assert ranges == pytest.approx([code + k for k in range(30)], abs=MS_M * 2.0**-30)
    assert counters.corrupt >= 1
