"""A drive recorded as the sensors deliver it: a compressed video and the radar's raw samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.types.radar import RadarCube
from positioning.sim.radar.radar import SimulatedRadar
from positioning.sim.video.scene import VideoScene
from positioning.video.detector import PictureError

FRAME_HZ, RADAR_HZ = 30.0, 20.0
START_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """video: a Motion-JPEG file of `frames` pictures; radar: a .npy of `cubes` cubes."""

    video: Path
    radar: Path
    frames: int
    cubes: int

    def cube(self, number: int) -> RadarCube:
        """Read from the file each time."""
        table = np.load(self.radar, mmap_mode="r", allow_pickle=False)
        return RadarCube(np.ascontiguousarray(table[number]))

    def order(self) -> list[tuple[float, str, int]]:
        """Time, sensor and number of every sample, in order of time."""
        video = [(START_S + k / FRAME_HZ, "camera", k) for k in range(self.frames)]
        return sorted(video + [(START_S + k / RADAR_HZ, "radar", k) for k in range(self.cubes)])


def record(scene: VideoScene, seconds: float, folder: Path, seed: int) -> Recording:
    """video.avi and radar.npy in `folder`; PictureError where this OpenCV cannot write video."""
    frames, cubes = round(seconds * FRAME_HZ), round(seconds * RADAR_HZ)
    made = Recording(folder / "video.avi", folder / "radar.npy", frames, cubes)
    size = scene.camera.width_px, scene.camera.height_px
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(made.video), code, FRAME_HZ, size)
    if not writer.isOpened():
        raise PictureError(f"{made.video}: this OpenCV writes no Motion-JPEG")
    for k in range(frames):
        writer.write(scene.render(START_S + k / FRAME_HZ)[0])
    writer.release()
    radar = SimulatedRadar(scene.world)
    rng = np.random.default_rng([seed, 61])
    taken = [radar.frame(START_S + k / RADAR_HZ, rng).adc for k in range(cubes)]
    np.save(made.radar, np.stack(taken), allow_pickle=False)
    return made
