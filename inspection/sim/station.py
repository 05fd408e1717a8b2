"""The multi-light station: which strobes there are, and how far each station is off its drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from inspection.sim.panel import Panel
from inspection.sim.render import Lamps


@dataclass(frozen=True, slots=True)
class Light:
    """A strobe: lamps at one elevation above the part, at these azimuths.

    half_angle_deg: how large a lamp looks from the part. Its irradiance, 1 by definition, is that
    on a plane facing the lamp, shared evenly between the azimuths. is_panel: an evenly bright disk
    overhead, for shiny parts that are not flat; where it leans, it does so to its one azimuth.
    """

    elevation_deg: float
    azimuths_deg: tuple[float, ...]
    half_angle_deg: float
    is_panel: bool = False


COMPASS = tuple(float(a) for a in range(0, 360, 45))
LIGHTS: dict[str, Light] = {
    "coaxial": Light(90, (0,), 6),
    "panel": Light(90, (0,), 18, is_panel=True),
    "ring": Light(45, COMPASS, 8),
    "dark_field": Light(15, COMPASS, 6),
    "east": Light(45, (0,), 8),
    "north": Light(45, (90,), 8),
    "west": Light(45, (180,), 8),
    "south": Light(45, (270,), 8),
    "northeast": Light(45, (45,), 8),
    "northwest": Light(45, (135,), 8),
    "southwest": Light(45, (225,), 8),
    "southeast": Light(45, (315,), 8),
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a built station may be off: lamp directions in degrees, irradiances as a fraction.

    turn_deg: how far all its lamps but those overhead may be turned about the vertical together.
    """

    angle_deg: float = 0.0
    irradiance: float = 0.0
    turn_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Station:
    """A built station. `lamps` gives what burns when a program of strobes is fired at once."""

    lights: Mapping[str, Light] = field(default_factory=lambda: LIGHTS)

    def lamps(
        self,
        program: Mapping[str, float],
        tolerance: Tolerance = Tolerance(),
        rng: np.random.Generator | None = None,
    ) -> Lamps:
        """Lamps of `program` (strobe -> irradiance), misaligned by `rng` within the tolerance."""
        reach = tolerance.turn_deg
        turn = float(rng.uniform(-reach, reach)) if rng is not None and reach else 0.0
        rows = [
            (_toward(light.elevation_deg, azimuth + turn), power / len(light.azimuths_deg), light)
            for name, power in program.items()
            for light in (self._light(name),)
            if not light.is_panel
            for azimuth in light.azimuths_deg
        ]
        directions = np.array([row[0] for row in rows], np.float32).reshape(-1, 3)
        irradiance = np.array([row[1] for row in rows], np.float32)
        half_angle = np.deg2rad(np.array([row[2].half_angle_deg for row in rows], np.float32))
        if rng is not None:
            reach = np.deg2rad(tolerance.angle_deg)
            directions += rng.uniform(-reach, reach, directions.shape).astype(np.float32)
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            spread = rng.uniform(-tolerance.irradiance, tolerance.irradiance, irradiance.shape)
            irradiance *= (1 + spread).astype(np.float32)
        panel = self._panel(program, tolerance, rng)
        return Lamps(directions, irradiance, half_angle.astype(np.float32), panel)

    def _panel(
        self, program: Mapping[str, float], tolerance: Tolerance, rng: np.random.Generator | None
    ) -> Panel | None:
        """The panel, if the program fires one: a disk that is off by an angle is mirrored by a
        plane that is off by half of it."""
        for name, power in program.items():
            light = self._light(name)
            if light.is_panel:
                half_angle = float(np.deg2rad(light.half_angle_deg))
                middle = _mirroring(light)
                if rng is None:
                    return Panel(power, half_angle, *middle)
                reach = float(np.deg2rad(tolerance.angle_deg)) / 2
                x, y = map(float, rng.uniform(-reach, reach, 2))
                spread = float(rng.uniform(-tolerance.irradiance, tolerance.irradiance))
                return Panel(power * (1 + spread), half_angle, middle[0] + x, middle[1] + y)
        return None

    def _light(self, name: str) -> Light:
        if name not in self.lights:
            raise ValueError(f"no strobe {name!r}; the station has {', '.join(self.lights)}")
        return self.lights[name]


def _mirroring(light: Light) -> tuple[float, float]:
    """Slopes of the plane mirror that shows the camera the panel's middle: half of its lean."""
    half = float(np.tan(np.deg2rad(90 - light.elevation_deg) / 2))
    azimuth = np.deg2rad(light.azimuths_deg[0])
    return -half * float(np.cos(azimuth)), -half * float(np.sin(azimuth))


def _toward(elevation_deg: float, azimuth_deg: float) -> tuple[float, float, float]:
    e, a = np.deg2rad(elevation_deg), np.deg2rad(azimuth_deg)
    return float(np.cos(e) * np.cos(a)), float(np.cos(e) * np.sin(a)), float(np.sin(e))
