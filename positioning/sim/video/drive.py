"""A drive through a simulated road with both sensors, their rates, latencies, clocks and faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.types.detections import Detections
from positioning.sim.road.world import World
from positioning.sim.video.detections import WEATHER, CameraEye, RadarEye
from positioning.video.camera import Camera

Floats = NDArray[np.float64]
START_S = 0.1


@dataclass(frozen=True, slots=True)
class Jitter:
    """How far stamps are off, each frame's by itself: up to spread_s to either side, all equally
    likely, and of a share `rare` of the frames late_s (least, most) later, as a stamp is that was
    taken when a busy computer came to it."""

    spread_s: float = 0.0
    rare: float = 0.0
    late_s: tuple[float, float] = (0.01, 0.02)

    def drawn(self, n: int, rng: np.random.Generator) -> Floats:
        """(n,) seconds to add to stamps."""
        is_late = rng.uniform(size=n) < self.rare
        late: Floats = np.where(is_late, rng.uniform(*self.late_s, n), 0.0)
        return late + rng.uniform(-self.spread_s, self.spread_s, n)


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with the sensors. offset_s, drift: the camera's clock stamps later by offset_s
    + drift * time. yaw_rad, pitch_rad: how the camera really hangs against its configuration.
    silent: sensor -> (from, to) when it says nothing. late_s: sensor -> more latency.
    jitter: sensor -> how its stamps scatter about its clock.
    lies_m: added to the radar's ranges from lies_from_s on; turns_rad: a knock turns the camera."""

    offset_s: float = 0.0
    drift: float = 0.0
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    silent: dict[str, tuple[float, float]] = field(default_factory=dict)
    late_s: dict[str, float] = field(default_factory=dict)
    jitter: dict[str, Jitter] = field(default_factory=dict)
    lies_m: float = 0.0
    turns_rad: float = 0.0
    lies_from_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """Something that reaches the fusion at `arrives_s` of true time, stamped by its sensor."""

    arrives_s: float
    stamp_s: float
    value: Floats | Detections


def odometry(world: World, times_s: Floats) -> Floats:
    """(N, 5) x, y, yaw, vx, vy of the carrier, without error."""
    ego = world.ego
    columns = ego.position_m(times_s), ego.heading_rad(times_s)[:, None], ego.velocity_mps(times_s)
    return np.concatenate(columns, axis=1)


def arrivals(
    world: World,
    condition: str,
    camera: Camera,
    seed: int,
    faults: Faults = Faults(),
    sensors: tuple[str, ...] = ("radar", "camera"),
) -> Iterator[Arrival]:
    """Everything that both sensors say, in the order in which it arrives.

    The radar measures 20 times a second and needs 20 to 50 ms, the camera 30 times and 50 to
    110 ms.
    """
    rng = np.random.default_rng([seed, 41])
    hung = Camera(
        camera.width_px, camera.height_px, camera.focal_px, camera.mount_m,
        camera.yaw_rad + faults.yaw_rad, camera.pitch_rad + faults.pitch_rad,
    )  # fmt: skip
    knocked = Camera(
        hung.width_px, hung.height_px, hung.focal_px, hung.mount_m,
        hung.yaw_rad + faults.turns_rad, hung.pitch_rad,
    )  # fmt: skip
    radar = RadarEye(world, WEATHER[condition], seed)
    eyes = [CameraEye(world, WEATHER[condition], view, seed) for view in (hung, knocked)]
    planned: list[tuple[float, float, str, float]] = []
    for name, period, (least, most) in (
        ("radar", 0.05, (0.02, 0.05)),
        ("camera", 1 / 30, (0.05, 0.11)),
    ):
        times = np.arange(START_S + rng.uniform(0, period), world.duration_s, period)
        scatter = np.random.default_rng([seed, 42, *name.encode()])  # nothing else changes with it
        off = faults.jitter.get(name, Jitter()).drawn(len(times), scatter)
        for time, more in zip(times.tolist(), off.tolist(), strict=True):
            needs = rng.uniform(least, most) + faults.late_s.get(name, 0.0)
            planned.append((time + needs, time, name, more))
    for arrives, time, name, off_s in sorted(planned):
        begins, ends = faults.silent.get(name, (np.inf, np.inf))
        if name not in sensors or begins <= time < ends:
            continue
        lying = time >= faults.lies_from_s
        if name == "radar":
            polar = radar.look(time) + np.array([faults.lies_m * lying, 0.0, 0.0])
            yield Arrival(arrives, time + off_s, polar)
        else:
            found = eyes[int(lying and faults.turns_rad != 0)].look(time)
            clock_s = time + faults.offset_s + faults.drift * time
            yield Arrival(arrives, clock_s + off_s, found)
