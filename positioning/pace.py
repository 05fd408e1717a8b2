"""How fast and in how much memory recorded video and radar become tracks, in a process of its own.

    python -m positioning.pace RECORDING FAST PACED

drives the recording in a folder again and again, each lap with new tracks: FAST frames as fast as
they are taken, then PACED by the recording's clock. Each way prints its figures as one line of
JSON. Samples are read as they are due, and no simulator is loaded: what the process holds is what
the chain needs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.runtime.timing import peak_rss_mib
from common.types.radar import RadarCube
from positioning.fusion.pipeline import FusionSettings
from positioning.road import RadarSample, RoadPipeline, VideoSample
from positioning.video.camera import Camera
from positioning.video.detector import Detector
from positioning.video.movie import packets

Floats = NDArray[np.float64]
Sample = VideoSample | RadarSample

VIDEO, RADAR, TIMES = "video.avi", "radar.npy", "times.npz"
AHEAD = 6  # samples under way when nothing waits for a clock
STAGES = ("decode", "detect", "track", "radar", "fuse")


@dataclass(slots=True)
class Run:
    """wall_s, cpu_s of the process; latency_ms of each frame, CPU ms of each sample by stage; how
    many tracks were told after each frame; damaged: samples that could not be read; loaded_mib,
    peak_mib: the most that the process held until its first sample, and until the run's end."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    latency_ms: list[float] = field(default_factory=list)
    stage_ms: dict[str, list[float]] = field(default_factory=lambda: {s: [] for s in STAGES})
    tracks: list[int] = field(default_factory=list)
    damaged: int = 0
    loaded_mib: float = 0.0
    peak_mib: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A folder of VIDEO, a cube for each radar_s in RADAR, and TIMES, which holds the rest.

    camera_s (F,), radar_s (C,): when samples were taken, ascending. ego_mps (C, 2): the radar's
    own velocity, forward and to the left. way (N, 6): time, x, y, yaw, vx, vy of the carrier.
    """

    folder: Path
    camera_s: Floats
    radar_s: Floats
    ego_mps: Floats
    way: Floats

    @classmethod
    def read(cls, folder: Path) -> Recording:
        """LingnanError where a file is missing or is none of ours."""
        path = folder / TIMES
        try:
            with np.load(path, allow_pickle=False) as table:
                names = ("camera_s", "radar_s", "ego_mps", "way")
                found = cls(folder, *(np.asarray(table[name], np.float64) for name in names))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise LingnanError(f"{path}: not the times of a recording ({error})") from error
        ranks = [a.ndim for a in (found.camera_s, found.radar_s)]
        cubes = (len(found.radar_s), 2)
        if ranks != [1, 1] or found.ego_mps.shape != cubes or found.way.shape[1:] != (6,):
            raise LingnanError(f"{path}: its tables do not fit each other")
        if not len(found.camera_s) or not (np.diff(found.way[:, 0]) > 0).all():
            raise LingnanError(f"{path}: it has no frame, or its way goes back in time")
        return found

    def write(self) -> None:
        """TIMES; the other files are the sensors'."""
        np.savez(
            self.folder / TIMES, camera_s=self.camera_s, radar_s=self.radar_s,
            ego_mps=self.ego_mps, way=self.way,
        )  # fmt: skip

    def odometry(self, times_s: Floats) -> Floats:
        """(N, 5) x, y, yaw, vx, vy of the carrier, straight between the recorded ones."""
        at = self.way[:, 0]
        return np.stack([np.interp(times_s, at, column) for column in self.way.T[1:]], axis=1)

    def samples(self) -> Iterator[Sample]:
        """Each as a driver hands it over, in order of time, read when it is asked for."""
        order = [(at, "camera", k) for k, at in enumerate(self.camera_s.tolist())]
        order += [(at, "radar", k) for k, at in enumerate(self.radar_s.tolist())]
        frames = packets(self.folder / VIDEO)
        for time_s, sensor, number in sorted(order):
            if sensor == "camera":
                if (jpeg := next(frames, None)) is None:
                    raise LingnanError(f"{self.folder / VIDEO}: it ends at frame {number}")
                yield VideoSample(time_s, jpeg)
            else:
                yield RadarSample(time_s, self._cube(number), self.ego_mps[number])

    def _cube(self, number: int) -> RadarCube:
        """Read from the file each time."""
        path = self.folder / RADAR
        try:
            table = np.load(path, mmap_mode="r", allow_pickle=False)
            return RadarCube(np.array(table[number]))
        except (OSError, ValueError, IndexError) as error:
            raise LingnanError(f"{path}: no cube {number} ({error})") from error


def drive(recording: Recording, frames: int, *, paced: bool) -> Run:
    """Laps of the recording, each with new tracks, until `frames` frames are fused."""
    run, detector = Run(), Detector(threshold=0.1)
    settings, way = FusionSettings(aligns=False), recording.odometry
    run.loaded_mib = peak_rss_mib()
    begun, spent = time.perf_counter(), time.process_time()
    while len(run.latency_ms) < frames:
        with RoadPipeline(Camera(), way, detector=detector, settings=settings) as road:
            _lap(road, recording, run, paced)
            run.damaged += road.damaged.total()
    run.wall_s = time.perf_counter() - begun
    run.cpu_s = time.process_time() - spent
    run.peak_mib = peak_rss_mib()
    return run


def _lap(road: RoadPipeline, recording: Recording, run: Run, paced: bool) -> None:
    start = time.perf_counter()
    first = min(recording.camera_s[0], *recording.radar_s[:1])
    arrived: dict[float, float] = {}
    for sample in recording.samples():
        due = start + sample.time_s - first if paced else 0.0
        while len(road) >= (1 if paced else AHEAD):
            left = due - time.perf_counter()
            if paced and left <= 0:
                break
            try:
                _note(road, run, arrived, left if paced else None)
            except TimeoutError:
                break
        time.sleep(max(0.0, due - time.perf_counter()))
        arrived[sample.time_s] = due if paced else time.perf_counter()
        road.submit(sample)
    while len(road):
        _note(road, run, arrived, None)


def _note(
    road: RoadPipeline, run: Run, arrived: dict[float, float], timeout_s: float | None
) -> None:
    seen = road.take(timeout_s)
    for stage, ms in seen.stage_ms.items():
        run.stage_ms[stage].append(ms)
    if seen.sensor == "camera":
        run.latency_ms.append(1e3 * (time.perf_counter() - arrived[seen.time_s]))
        run.tracks.append(len(seen.tracks))


def main(words: Sequence[str] | None = None) -> int:
    """A line of JSON for each of the two ways; a lap before them, which compiles, is not told."""
    parser = argparse.ArgumentParser(prog="python -m positioning.pace", description=__doc__)
    parser.add_argument("recording", type=Path, help=f"a folder of {VIDEO}, {RADAR} and {TIMES}")
    parser.add_argument("fast", type=int, help="frames driven as fast as they are taken")
    parser.add_argument("paced", type=int, help="frames driven by the recording's clock")
    given = parser.parse_args(words)
    if min(given.fast, given.paced) < 1:
        parser.error("there is at least one frame to drive")
    try:
        recording = Recording.read(given.recording)
        drive(recording, 1, paced=False)
        for frames, paced in ((given.fast, False), (given.paced, True)):
            print(json.dumps(asdict(drive(recording, frames, paced=paced))), flush=True)
    except LingnanError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
