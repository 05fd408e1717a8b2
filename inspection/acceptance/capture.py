"""How a plain camera and the fused one look at a part on the rig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import system_gain
from inspection.imaging.ambient import difference
from inspection.imaging.exposure import Limits, expose_well
from inspection.imaging.fused import COMPASS, LIGHTS, Fused, fuse
from inspection.imaging.hdr import merge
from inspection.imaging.noise import NoiseModel, Shot
from inspection.imaging.strobed import timed

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.rig import Rig

SENSOR = SensorModel(bits=12, black_level_dn=32.0)
SCALE_DN = 4095
NOISE = NoiseModel(
    system_gain(SENSOR, 0.0), SENSOR.read_noise_e, SENSOR.black_level_dn, 0.95 * SCALE_DN
)
POWER = {"coaxial": 1.0, "dark_field": 8.0} | dict.fromkeys(COMPASS, 8.0)
ELEVATION_DEG, PIXEL_UM, FLICKER_HZ = 45.0, 10.0, 100.0
PASSES_ROOM, PASSES_STROBE = 0.05, 0.9  # a 25 nm band-pass filter on white light and on the strobe


@dataclass(frozen=True, slots=True)
class Look:
    """How exposure times are set. plain: limits of the one frame. many: of the fused camera's.
    brackets: its exposures of each light as multiples of the metered one."""

    plain: Limits = field(default_factory=lambda: Limits(fill=0.8))
    many: Limits = field(default_factory=lambda: Limits(fill=0.5))
    brackets: tuple[float, ...] = (1 / 16, 1.0, 4.0)


def plain(rig: Rig, program: Mapping[str, float], look: Look = Look()) -> Shot:
    """One auto-exposed frame under the material's own program of strobes and the room light."""
    return _metered(rig, program, look.plain)


def fused(rig: Rig, look: Look = Look()) -> Fused:
    """Six lights, each at several exposure times, and an exposure without strobe before each.

    The exposure times are metered beforehand, as when a line is set up.
    """
    times = {light: _metered(rig, {light: POWER[light]}, look.many).exposure_us for light in LIGHTS}
    room_us = _metered(rig, {}, look.many).exposure_us
    dark, strobed = [], {}
    for light, metered_us in times.items():
        dark.append(_take(rig, {}, room_us))
        series = {_within(metered_us * factor, look.many) for factor in look.brackets}
        strobed[light] = [_take(rig, {light: POWER[light]}, time) for time in sorted(series)]
    without = timed(dark, NOISE)
    alone = {
        light: merge([difference([one], without, FLICKER_HZ) for one in timed(shots, NOISE)])
        for light, shots in strobed.items()
    }
    return fuse(alone, ELEVATION_DEG, PIXEL_UM)


def _metered(rig: Rig, program: Mapping[str, float], limits: Limits) -> Shot:
    return expose_well(lambda exposure_us: _take(rig, program, exposure_us), NOISE, limits)


def _within(exposure_us: float, limits: Limits) -> float:
    return min(max(exposure_us, limits.shortest_us), limits.longest_us)


def _take(rig: Rig, program: Mapping[str, float], exposure_us: float) -> Shot:
    frame, start_s = rig.take(program, exposure_us)
    return Shot(frame, exposure_us, start_s)
