"""The ways by which a wave goes out to a scattering centre and comes home.

A bounce off a wall is a leg to the mirror image of the centre, so a path is a pair of moving
points, one for each leg: direct and direct, direct and mirrored (seen in the direction of either),
or mirrored twice, the ghost behind the wall (Kopp et al. 2021, "Fast rule-based clutter detection
in automotive radar data"; image method).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.radar.waveform import Waveform
from positioning.sim.radar.device import Device, Rain
from positioning.sim.radar.scatterers import Scatterers
from positioning.sim.road.world import Wall, hidden

Floats = NDArray[np.float64]
GHOST_RCS_M2 = 0.01  # weaker centres cast no ghost worth a path


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """P paths in the radar's frame, over the frame's time t from its middle.

    out, home: (P, 3, 3), coefficients of t^0, t^1 and t^2 of the point that each leg ends in.
    amplitude: (P,) complex, square roots of milliwatts at a receiver.
    """

    out: Floats
    home: Floats
    amplitude: NDArray[np.complex128]

    def __len__(self) -> int:
        return len(self.amplitude)


def link_budget(
    out: Floats,
    home: Floats,
    rcs_m2: Floats,
    phase_rad: Floats,
    waveform: Waveform,
    device: Device,
    rain: Rain | None = None,
) -> Paths:
    """Paths with amplitudes by the radar equation at the frame's middle, rain on both legs."""
    far_out = np.linalg.norm(out[:, 0], axis=1)
    far_home = np.linalg.norm(home[:, 0], axis=1)
    gains = device.pattern(out[:, 0] / far_out[:, None])
    gains = gains * device.pattern(home[:, 0] / far_home[:, None])
    power = device.echo_mw(rcs_m2, far_out, far_home, gains, waveform.wavelength_m)
    if rain is not None:
        power = power * 10 ** (-rain.attenuation_db_per_m * (far_out + far_home) / 10)
    return Paths(out, home, np.sqrt(power) * np.exp(1j * phase_rad))


def point_targets(
    position_m: Floats,
    velocity_mps: Floats,
    rcs_m2: Floats,
    waveform: Waveform,
    device: Device,
    rain: Rain | None = None,
) -> Paths:
    """Direct paths of (N, 3) points at steady (N, 3) velocities in the radar's frame."""
    legs = np.stack([position_m, velocity_mps, np.zeros_like(position_m)], axis=1)
    phase = np.zeros(len(position_m))
    return link_budget(legs, legs, rcs_m2, phase, waveform, device, rain)


def trace(
    found: Scatterers,
    walls: tuple[Wall, ...],
    waveform: Waveform,
    device: Device,
    rain: Rain | None,
) -> Paths:
    """All paths to the scattering centres, in the radar's frame. Walls are in that frame too."""
    legs, rcs, phase = [(found.curve, found.curve)], [found.rcs_m2], [found.phase_rad]
    strong = np.flatnonzero(found.may_ghost & (found.rcs_m2 > GHOST_RCS_M2))
    for wall in walls:
        image = mirrored(found.curve[strong], wall)
        seen = _bounces(image, found.curve[strong], wall)
        direct, ghost = found.curve[strong[seen]], image[seen]
        for out, home, bounces in ((direct, ghost, 1), (ghost, direct, 1), (ghost, ghost, 2)):
            legs.append((out, home))
            rcs.append(found.rcs_m2[strong[seen]] * wall.reflectivity**bounces)
            phase.append(found.phase_rad[strong[seen]] + np.pi * bounces)
    return link_budget(
        np.concatenate([leg[0] for leg in legs]),
        np.concatenate([leg[1] for leg in legs]),
        np.concatenate(rcs),
        np.concatenate(phase),
        waveform,
        device,
        rain,
    )


def mirrored(curve: Floats, wall: Wall) -> Floats:
    """(N, 3, 3) curves reflected in the wall's plane; the radar stands at the origin."""
    along = wall.end_m - wall.start_m
    normal = np.array([-along[1], along[0], 0.0]) / np.hypot(*along)
    distance = curve @ normal
    distance[:, 0] -= wall.start_m @ normal[:2]
    reflected: Floats = curve - 2 * distance[..., None] * normal
    return reflected


def _bounces(image: Floats, direct: Floats, wall: Wall) -> NDArray[np.bool_]:
    """(N,) whether the radar and the centre stand on one side and see each other in the wall."""
    segment = np.stack([wall.start_m, wall.end_m])[None]
    met = hidden(np.zeros(3), image[:, 0], segment, np.array([wall.height_m]))[:, 0]
    blocked = hidden(np.zeros(3), direct[:, 0], segment, np.array([np.inf]))[:, 0]
    seen: NDArray[np.bool_] = met & ~blocked
    return seen
