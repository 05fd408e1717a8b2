"""What is assumed of the vehicle and its sensors; plain fields, as compiled code takes them."""

from __future__ import annotations

from typing import NamedTuple


class Settings(NamedTuple):
    """Round figures for a car with a MEMS sensor, not fitted to any recording.

    gyro_noise, force_noise: densities, rad/s and m/s^2 per root Hz; above a data sheet's, for they
        stand for scale, misalignment and vibration too. gyro_walk, force_walk: of the biases.
    gyro_bias, force_bias, wheel_scale, wheel_slip: sigmas at the start; a car's tyres slip by 0.003
        to 0.01 of the speed for each m/s^2. scale_walk, slip_walk: per root s.
    level_rad, heading_rad: sigmas of the attitude at the start.
    speed_mps, speed_share: sigma of the wheels' speed, a floor and a share of the acceleration
        (s), for what a slip in proportion to it does not tell.
    side_mps, heave_mps: of the velocity that wheels forbid (non-holonomic).
    still_mps: speed under which the car is taken to stand, and the sigma of that.
    code_floor_m, code_ratio: sigma of a code, a floor, and the thermal part at 45 dBHz.
    rate_floor_mps, rate_ratio: the same of a Doppler range rate.
    phase_floor_m, phase_ratio: of a phase's change between epochs.
    late, early: sigmas from where a code is doubted that is longer or shorter than expected.
    rate_doubt, phase_doubt, fix_doubt: the same of rates, phases and positions.
    correlation_s: for so long reflections last; codes closer than this tell of one thing.
    fix_floor_m: sigma added to a position from outside; fix_correlation_s: as for codes.
    mask_rad: lowest elevation.
    """

    gyro_noise: float = 1e-3
    force_noise: float = 1e-2
    gyro_walk: float = 1e-5
    force_walk: float = 1e-4
    gyro_bias: float = 0.01
    force_bias: float = 0.1
    wheel_scale: float = 0.03
    wheel_slip: float = 0.01
    scale_walk: float = 1e-4
    slip_walk: float = 1e-5
    level_rad: float = 0.05
    heading_rad: float = 0.5
    speed_mps: float = 0.03
    speed_share: float = 0.02
    side_mps: float = 0.05
    heave_mps: float = 0.10
    still_mps: float = 0.01
    code_floor_m: float = 0.5
    code_ratio: float = 0.3
    rate_floor_mps: float = 0.05
    rate_ratio: float = 0.03
    phase_floor_m: float = 0.005
    phase_ratio: float = 0.002
    late: float = 2.0
    early: float = 4.0
    rate_doubt: float = 2.0
    phase_doubt: float = 2.0
    fix_doubt: float = 3.0
    correlation_s: float = 5.0
    fix_floor_m: float = 0.02
    fix_correlation_s: float = 1.0
    mask_rad: float = 0.1745
