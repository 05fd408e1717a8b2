"""A recording through the chain in a process of its own, and the rows that are told of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.acceptance.verdict import judge
from common.errors import LingnanError
from positioning import pace
from positioning.acceptance import video_pace
from positioning.road import RadarSample, VideoSample

pytestmark = pytest.mark.positioning
CUBE = (2, 3, 4, 8, 2)  # of no radar here: the chain counts it as damaged


def _recorded(folder: Path, frames: int = 3, cubes: int = 2) -> pace.Recording:
    writer = cv2.VideoWriter(
        str(folder / pace.VIDEO), cv2.VideoWriter.fourcc(*"MJPG"), 30, (1920, 1080)
    )
    for k in range(frames):
        writer.write(np.full((1080, 1920, 3), 60 + 20 * k, np.uint8))
    writer.release()
    table = np.arange(cubes * np.prod(CUBE)).astype(np.int16).reshape(cubes, *CUBE)
    np.save(folder / pace.RADAR, table)
    way = np.array([[0.0, 0, 0, 0.2, 10, 0], [1.0, 10, 4, 0.4, 10, 0]])
    made = pace.Recording(
        folder, 0.1 + np.arange(3) / 30, np.array([0.1, 0.15]), np.array([[10.0, 0], [9, 1]]), way
    )
    made.write()
    return made


def test_samples_come_in_order_of_time_as_they_were_recorded(tmp_path: Path) -> None:
    _recorded(tmp_path)
    read = pace.Recording.read(tmp_path)
    found = list(read.samples())
    assert [type(one) for one in found] == [
        VideoSample, RadarSample, VideoSample, RadarSample, VideoSample,
    ]  # fmt: skip
    times = [one.time_s for one in found]
    assert times == sorted(times)
    last = [one for one in found if isinstance(one, RadarSample)][1]
    np.testing.assert_array_equal(last.cube.adc, np.load(tmp_path / pace.RADAR)[1])
    assert last.ego_mps is not None and last.ego_mps.tolist() == [9.0, 1.0]
    shown = cv2.imdecode(np.frombuffer(found[2].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert abs(float(shown.mean()) - 80) < 3
    np.testing.assert_allclose(read.odometry(np.array([0.25])), [[2.5, 1.0, 0.25, 10.0, 0.0]])


def test_samples_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    """So that the process does not hold the recording: what is gone is missed when it is due."""
    coming = _recorded(tmp_path).samples()
    assert isinstance(next(coming), VideoSample)
    (tmp_path / pace.RADAR).unlink()
    with pytest.raises(LingnanError, match=r"radar\.npy: no cube 0"):
        next(coming)


def test_what_is_no_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(LingnanError, match=r"times\.npz: not the times of a recording"):
        pace.Recording.read(tmp_path)
    (tmp_path / pace.TIMES).write_bytes(b"PK no archive")
    with pytest.raises(LingnanError, match=r"times\.npz: not the times"):
        pace.Recording.read(tmp_path)
    made = _recorded(tmp_path, frames=2)
    with pytest.raises(LingnanError, match=r"video\.avi: it ends at frame 2"):
        list(made.samples())
    for bad in (
        {"ego_mps": np.zeros((5, 2))}, {"way": np.zeros((4, 3))}, {"camera_s": np.zeros(0)},
        {"way": made.way[::-1]}, {"camera_s": np.zeros((2, 2))},
    ):  # fmt: skip
        parts = {name: getattr(made, name) for name in ("camera_s", "radar_s", "ego_mps", "way")}
        pace.Recording(tmp_path, **{**parts, **bad}).write()
        with pytest.raises(LingnanError, match=r"times\.npz: it"):
            pace.Recording.read(tmp_path)


def test_a_process_drives_both_ways_and_tells_what_it_held(tmp_path: Path) -> None:
    _recorded(tmp_path)
    fast, paced = video_pace.driven(tmp_path, 4, 3)
    assert (len(fast.latency_ms), len(paced.latency_ms)) == (6, 3), "whole laps"
    assert (fast.damaged, paced.damaged) == (4, 2), "cubes of another shape"
    assert len(fast.stage_ms["decode"]) == 6 and len(paced.tracks) == 3
    assert fast.cpu_s > 0.01 and paced.wall_s > 0.05
    held = [30.0, fast.loaded_mib, fast.peak_mib, paced.peak_mib, 2000.0]
    assert (np.diff(held) > -2).all(), "a peak never falls, but for what the kernel counts in lots"


def test_a_process_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(LingnanError, match="ended with 2"):
        next(video_pace.driven(tmp_path, 1, 1))


def test_what_is_measured_loads_no_simulator() -> None:
    """Nor the rows: their memory would count as the chain's."""
    code = "import sys, positioning.pace; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "positioning.road" in loaded
    foreign = ("positioning.sim", "positioning.acceptance", "common.acceptance")
    assert not [name for name in loaded if name.startswith(foreign)]


def test_no_frame_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pace.main(["nowhere", "0", "5"])
    assert "at least one frame" in capsys.readouterr().err


def _told(tmp_path: Path, late_ms: list[float], peak_mib: float):
    _recorded(tmp_path)
    fast = pace.Run(60.0, 90.0, [5.0] * 1800, tracks=[2] * 1800, loaded_mib=80.0, peak_mib=90.0)
    paced = pace.Run(60.0, 90.0, late_ms, tracks=[2] * 1800, loaded_mib=90.0, peak_mib=peak_mib)
    return video_pace.rows_of(fast, paced, 2, tmp_path / pace.VIDEO)


def test_latency_is_of_every_frame_and_memory_of_both_runs(tmp_path: Path) -> None:
    """Of 1,800 frames 1 % may be late: the first of a run as any other."""
    rows = _told(tmp_path, [500.0] * 19 + [20.0] * 1781, 321.5)
    late = rows[video_pace.LATENCY.id]
    assert (late.n, late.value) == (1800, 500.0) and "all 1800 frames" in late.note
    held = rows[video_pace.MEMORY.id]
    assert (held.value, held.n) == (321.5, 3600)
    assert "80 MiB" in held.note and "90 MiB" in held.note
    (experiment,) = video_pace.EXPERIMENTS
    assert list(rows) == [row.id for row in experiment.indicators]
    few = _told(tmp_path, [20.0] * 1782 + [500.0] * 18, 1025.0)
    assert few[video_pace.LATENCY.id].value == pytest.approx(20.0, abs=5.0)
    assert judge(video_pace.MEMORY, few[video_pace.MEMORY.id]) == "not met"


def test_at_full_size_1800_frames_are_driven_by_the_clock_in_whole_laps() -> None:
    lap = video_pace.SECONDS["full"] * 30
    assert video_pace.PACED["full"] == video_pace.FRAMES["full"] == 1800
    assert 1800 % lap == 0 and 1800 / 30 == 60.0


def test_the_row_of_memory_says_what_is_counted_and_where_its_target_is_from() -> None:
    row = video_pace.MEMORY
    assert (row.unit, row.comparator, row.target) == ("MiB", "<=", 1024.0)
    for word in ("VmHWM", "4 GiB", "S4-D3-K1/arm64-frames", "recording stays on the disk"):
        assert word in row.method
