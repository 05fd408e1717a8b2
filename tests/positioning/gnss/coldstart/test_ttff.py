"""Cold starts: closed forms of single systems, bounds, and a real recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.errors import LingnanError
from common.paths import data_root
from positioning.acceptance.coldstart import STARTS, _quantile
from positioning.gnss.coldstart import capture, messages
from positioning.gnss.coldstart.ttff import Assistance, Engine, View, first_fix_s
from positioning.gnss.satellite import encode

pytestmark = pytest.mark.positioning


def view(names: list[str], cn0_dbhz: float, start_s: float, length_s: float = 90.0) -> View:
    rng = np.random.default_rng(len(names))
    up, around = rng.uniform(0.2, 1, len(names)), rng.uniform(0, 2 * np.pi, len(names))
    flat = np.sqrt(1 - up**2)
    line = np.column_stack((flat * np.sin(around), flat * np.cos(around), up))
    number = np.array([encode(name) for name in names], np.int16)
    steps = round(length_s / 0.2)
    return View(number, np.full((steps, len(names)), cn0_dbhz), line, start_s, 0.2)


GPS = [f"G{i:02d}" for i in range(1, 10)]
GALILEO = [f"E{i:02d}" for i in range(1, 9)]


@pytest.mark.parametrize(("start_s", "ready_s"), [(29.0, 19.0), (1.0, 35.0), (7.0, 35.0)])
def test_gps_alone_waits_for_its_three_subframes(start_s: float, ready_s: float) -> None:
    told = first_fix_s(view(GPS, 45.0, start_s), Engine(bins=64), np.random.default_rng(0))
    assert ready_s <= told <= ready_s + 0.41


def test_galileos_reduced_ephemeris_is_sooner() -> None:
    rng = np.random.default_rng(1)
    starts = rng.uniform(0, 30, 40)
    both = [first_fix_s(view(GPS + GALILEO, 45.0, s), Engine(), rng) for s in starts]
    alone = [first_fix_s(view(GPS, 45.0, s), Engine(), rng) for s in starts]
    assert np.median(both) < np.median(alone) - 8


def test_assistance_is_sooner_and_weak_signals_later() -> None:
    rng = np.random.default_rng(2)
    cold = first_fix_s(view(GPS, 45.0, 3.0), Engine(), rng)
    assert first_fix_s(view(GPS, 45.0, 3.0), Engine(), rng, Assistance()) < cold
    assert first_fix_s(view(GPS, 26.0, 3.0), Engine(), rng) == np.inf


def test_three_satellites_give_no_fix() -> None:
    rng = np.random.default_rng(3)
    assert first_fix_s(view(GPS[:3], 45.0, 3.0), Engine(), rng) == np.inf
    assert first_fix_s(view(GPS[:4], 45.0, 3.0), Engine(), rng, Assistance()) == np.inf


def test_a_blocked_message_is_waited_for_again() -> None:
    clear = view(GPS, 45.0, 26.0)
    blocked = clear.cn0_dbhz.copy()
    blocked[int(12 / 0.2) : int(13 / 0.2)] = np.nan  # within sub-frame 2
    hurt = View(clear.satellite, blocked, clear.line, clear.start_s, clear.step_s)
    rng = np.random.default_rng(4)
    assert first_fix_s(hurt, Engine(), rng) > first_fix_s(clear, Engine(), rng) + 20


def test_a_layout_covers_its_cycle_in_order() -> None:
    for layout in messages.LAYOUTS.values():
        ends = [0.0, *(m.end_s for m in sorted(layout.messages, key=lambda m: m.start_s))]
        begins = sorted(m.start_s for m in layout.messages)
        assert all(b >= e for b, e in zip(begins, ends, strict=False))
        assert ends[-1] <= layout.cycle_s


@pytest.mark.data
def test_a_recordings_messages_come_as_laid_out_and_tell_its_first_fix() -> None:
    root = data_root()
    if root is None or not (root / "gnss_coldstart").is_dir():
        pytest.skip("needs the recording of a cold start: set LINGNAN_DATA")
    seen = capture.read(root / "gnss_coldstart" / "16dBatt_no_interference_coldstart.ubx")
    turn = {9: 7, 10: 8, 18: 17, 20: 19}
    words = [turn.get(word, word) for word in seen.words[:150]]
    cycle = messages.INAV_WORDS
    assert any(words == [cycle[(i + k) % 15] for i in range(150)] for k in range(15))
    ends = {(m.part, m.end_s % 30) for m in messages.LAYOUTS["G"].messages if m.part}
    assert ends <= {(part, float(second)) for second, part in seen.lnav}
    assert 0 <= seen.told_s - seen.possible_s < 3


def test_what_is_no_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(LingnanError, match="no such file"):
        capture.read(tmp_path / "none.ubx")
    (tmp_path / "junk.ubx").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(LingnanError, match="no cold start"):
        capture.read(tmp_path / "junk.ubx")


def test_starts_of_one_drive_are_no_independent_samples() -> None:
    """Every start of a drive alike: bounds are those of the drives, and four have none."""
    alike = np.repeat(np.array([10.0, 12.0, 14.0, 16.0, 40.0])[:, None], 100, axis=1)
    row = _quantile(alike, "cold", seed=7)
    assert (row.value, row.n) == (40.0, 5)
    assert row.low is not None and row.low <= 16.0 and row.high == 40.0
    few = _quantile(alike[:4], "cold", seed=7)
    assert (few.value, few.low, few.high) == (16.0, None, None)
    never = alike.copy()
    never[0, :60] = np.inf
    row = _quantile(never, "cold", seed=7)
    assert row.value == 120.0 and "60 of 500 without a position" in row.note
    assert all(drives * each >= 200 for drives, each in STARTS.values())
