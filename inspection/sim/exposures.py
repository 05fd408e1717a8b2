"""A simulated part's frames for imaging by many exposures: what a line's own camera would give.

    ROOT/strobe/...       with strobe and without in turn, under room light that drifts and flickers
    ROOT/hdr/...          under the strobes alone, for several times
    ROOT/belt/...         under room light alone, which swings while the part passes
    ROOT/*/exposures.csv  how each frame was taken
    ROOT/truth.png        255 on the part's defects, as it lies in strobe/ and hdr/; the first frame
                          of belt/ shows it from column TRAVEL_PX on
    ROOT/station.json     the order and the camera; simulated, and it says so

The part, its light and the sensor are the station's own (`rig`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import expose, system_gain
from common.lock import alone
from inspection.imaging.exposure import Limits, expose_well
from inspection.imaging.noise import NoiseModel, Shot
from inspection.sim.materials import MATERIALS
from inspection.sim.pictures import StationError
from inspection.sim.rig import Layers, Rig
from inspection.sim.scene import station_scene

SENSOR = SensorModel(bits=12, black_level_dn=32.0)
SATURATION_DN = 3890.0  # 95 % of the scale: beyond, some pixels' noise is cut
SIDE_PX, DEFECTS, SIZE_UM = 512, 9, 60.0
PAIRS = 6
BRACKETS = (1 / 16, 1 / 4, 1.0, 4.0)  # of the time that fills the scale well
STEP_PX, FRAMES, FRAME_S = 3, 16, 1e-3
TRAVEL_PX = STEP_PX * (FRAMES - 1)
SWING, PERIOD_FRAMES = 3.0, 9.0  # the room light's over the passing: up and down by this factor
LIMITS = Limits(shortest_us=0.1, start_us=50.0, longest_us=100_000.0, fill=0.7)


def write(out: Path, material: str, seed: int, room: float) -> dict[str, Any]:
    """Write the frames; what station.json tells. StationError where `out` holds something, or the
    material is not known."""
    if material not in MATERIALS:
        raise StationError(f"{material!r} is not one of {', '.join(MATERIALS)}")
    program = MATERIALS[material].lights("flat")
    with alone(out):
        if any(out.iterdir()):
            raise StationError(f"{out} is not empty: name another folder")
        scene = station_scene(material, "judge", seed, DEFECTS, ("point",), (SIZE_UM,), SIDE_PX)
        layers = Layers.of(scene, 0, tuple(program))
        rng = np.random.default_rng([seed, 9])
        taker = _Taker(layers, dict(program), rng)
        _keep(out / "strobe", taker.pairs(room))
        _keep(out / "hdr", taker.series())
        _keep(out / "belt", passed(layers.room, rng))
        _png(out / "truth.png", layers.truth.mask.astype(np.uint8) * 255)
        told = {
            **{"simulated": True, "material": material, "seed": seed, "room": room},
            **{"belt_step_px": STEP_PX, "black_level_dn": SENSOR.black_level_dn},
            **{"saturation_dn": SATURATION_DN, "dn_per_e": system_gain(SENSOR, 0.0)},
            "read_noise_e": SENSOR.read_noise_e,
        }
        (out / "station.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


def noise_model() -> NoiseModel:
    """Of the simulated camera, as its data sheet would tell it."""
    gain, read, black = system_gain(SENSOR, 0.0), SENSOR.read_noise_e, SENSOR.black_level_dn
    return NoiseModel(gain, read, black, SATURATION_DN)


@dataclass(frozen=True, slots=True)
class Still:
    """A frame and what the table says of it."""

    shot: Shot
    strobe: bool


@dataclass(slots=True)
class _Taker:
    layers: Layers
    program: dict[str, float]
    rng: np.random.Generator
    noise: NoiseModel = field(default_factory=noise_model)

    def pairs(self, room: float) -> list[Still]:
        """Dark and strobed exposures in turn, a dark one last; all of one time, which leaves the
        lamps room to flicker."""
        rig = Rig(self.layers, SENSOR, self.rng, room)
        metered = expose_well(lambda us: self._take(rig, self.program, us), self.noise, LIMITS)
        exposure_us = metered.exposure_us * 0.6
        found = []
        for _ in range(PAIRS):
            found.append(Still(self._take(rig, {}, exposure_us), False))
            found.append(Still(self._take(rig, self.program, exposure_us), True))
        return [*found, Still(self._take(rig, {}, exposure_us), False)]

    def series(self) -> list[Still]:
        """Exposures of several times without room light."""
        rig = Rig(self.layers, SENSOR, self.rng)
        metered = expose_well(lambda us: self._take(rig, self.program, us), self.noise, LIMITS)
        times = [float(f"{metered.exposure_us * factor:.4g}") for factor in BRACKETS]
        return [Still(self._take(rig, self.program, time), True) for time in times]

    def _take(self, rig: Rig, program: dict[str, float], exposure_us: float) -> Shot:
        frame, start_s = rig.take(program, exposure_us)
        return Shot(frame, exposure_us, start_s)


def passed(room: NDArray[np.float32], rng: np.random.Generator) -> list[Still]:
    """Frames of a part that passes to the right by STEP_PX a frame under swinging room light."""
    width = room.shape[1] - TRAVEL_PX
    top = float(np.percentile(room, 99.5)) * SWING
    exposure_us = 0.8 * SENSOR.full_well_e / max(top, 1e-9)
    found = []
    for i in range(FRAMES):
        level = np.float32(SWING ** np.sin(2 * np.pi * i / PERIOD_FRAMES))
        start = TRAVEL_PX - STEP_PX * i
        light = np.ascontiguousarray(room[:, start : start + width]) * level
        frame = expose(light, exposure_us, 0.0, SENSOR, rng)
        found.append(Still(Shot(frame, exposure_us, i * FRAME_S), False))
    return found


def _keep(folder: Path, stills: list[Still]) -> None:
    folder.mkdir()
    lines = ["file,exposure_us,time_s,strobe"]
    for number, still in enumerate(stills):
        name, shot = f"{number:03d}.png", still.shot
        _png(folder / name, shot.frame)
        said = "on" if still.strobe else "off"
        lines.append(f"{name},{shot.exposure_us!r},{shot.time_s!r},{said}")
    (folder / "exposures.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _png(path: Path, picture: NDArray[Any]) -> None:
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
