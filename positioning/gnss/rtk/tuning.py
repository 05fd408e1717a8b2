"""The numbers of the RTK filter; plain fields, so that compiled code takes them as they are."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Mode(StrEnum):
    """How the rover moves."""

    STATIC = "static"
    KINEMATIC = "kinematic"


class Tuning(NamedTuple):
    """Noise, gates and what is asked of a fix. One set serves every data set we know.

    mask_rad: elevation under which nothing is used; fixing_mask_rad: nothing is fixed.
    phase_floor_m, phase_slant_m, phase_thermal_m: sigma^2 = floor^2 + (slant / sin el)^2 +
        thermal^2 10^((45 - C/N0) / 10), of one receiver's phase; thermal is that at 45 dBHz.
    phase_per_km_m: sigma, at zenith and over sin elevation elsewhere, of the ionosphere's
        difference by km of baseline, while it is no state.
    code_ratio: sigma of code over that of phase.
    diffuse_m: sigma of a position that is not known.
    drift_cycles: random walk of an ambiguity over a second, for what the model leaves out.
    code_gate, phase_gate, slip_gate: sigmas of an innovation beyond which it is no noise.
    longest_gap_s: an ambiguity that was not seen for longer is begun anew.
    oldest_base_s: older data of the base are not used.
    least_success, least_ratio, least_fixed: what a fix must reach, see ambiguity.resolve.
    many_fixed: as many combinations make a fix by themselves; fewer must also have come out the
        same in least_streak epochs in a row.
    hold_streak: fixes in a row after which their integers are held through epochs that give
        none; least_held: fewer are not; most_apart: their largest chi-square by degree of freedom.
    code_memory_s: time that errors of codes last.
    most_misfit: largest chi-square per degree of freedom of the phases under a fix.
    zenith_from_km, slant_from_km: baselines from which the difference of the zenith delays, and
        of each satellite's ionosphere, are states. Told apart by frequency, the ionosphere brings
        in what the antennas' phase centres differ by: on short baselines it is better left noise.
    zenith_per_km, zenith_walk_m: a priori sigma of the former, m a km; its walk over sqrt(h).
    slant_per_km, slant_walk_m: the same of the latter at L1; its walk over sqrt(s).
    """

    mask_rad: float = 0.2618
    fixing_mask_rad: float = 0.2618
    phase_floor_m: float = 0.002
    phase_slant_m: float = 0.002
    phase_thermal_m: float = 0.0025
    phase_per_km_m: float = 0.0005
    code_ratio: float = 100.0
    diffuse_m: float = 300.0
    drift_cycles: float = 0.01
    code_gate: float = 5.0
    phase_gate: float = 5.0
    slip_gate: float = 5.0
    longest_gap_s: float = 5.0
    oldest_base_s: float = 30.0
    least_success: float = 0.995
    least_ratio: float = 2.0
    least_fixed: int = 10
    many_fixed: int = 10
    least_streak: int = 3
    hold_streak: int = 5
    least_held: int = 8
    most_apart: float = 3.0
    code_memory_s: float = 0.4
    most_misfit: float = 6.0
    zenith_from_km: float = 12.0
    slant_from_km: float = 12.0
    zenith_per_km: float = 0.001
    zenith_walk_m: float = 0.01
    slant_per_km: float = 0.002
    slant_walk_m: float = 0.001
