"""Spreading codes of the open signals at 1575.42 MHz, as chips of +1 and -1.

GPS L1 C/A by its two shift registers (IS-GPS-200N, 3.3.2.3); BDS B1C pilot by Weil codes
(BDS-SIS-ICD-B1C-1.0, 5.2.1). Galileo's E1 codes are a printed table (OS SIS ICD, annex C) that is
not here: codes of the same length drawn at random stand for them, which correlate alike.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CHIP_RATE_HZ = 1.023e6
System = Literal["G", "E", "C"]
LENGTHS = {"G": 1023, "E": 4092, "C": 10230}
"""Chips of a code, by system: 1, 4 and 10 ms."""

_CA_TAPS = (
    (2, 6), (3, 7), (4, 8), (5, 9), (1, 9), (2, 10), (1, 8), (2, 9), (3, 10), (2, 3), (3, 4),
    (5, 6), (6, 7), (7, 8), (8, 9), (9, 10), (1, 4), (2, 5), (3, 6), (4, 7), (5, 8), (6, 9),
    (1, 3), (4, 6), (5, 7), (6, 8), (7, 9), (8, 10), (1, 6), (2, 7), (3, 8), (4, 9),
)  # fmt: skip
"""Stages of G2 that are added, by PRN from 1 (IS-GPS-200N, table 3-Ia)."""

_B1C_PILOT = (
    (796, 7575), (156, 2369), (4198, 5688), (3941, 539), (1374, 2270), (1338, 7306), (1833, 6457),
    (2521, 6254), (3175, 5644), (168, 7119), (2715, 1402), (4408, 5557), (3160, 5764), (2796, 1073),
    (459, 7001), (3594, 5910), (4813, 10060), (586, 2710), (1428, 1546), (2371, 6887), (2285, 1883),
    (3377, 5613), (4965, 5062), (3779, 1038), (4547, 10170), (1646, 6484), (1430, 1718),
    (607, 2535), (2118, 1158), (4709, 526), (1149, 7331), (3283, 5844), (2473, 6423), (1006, 6968),
    (3670, 1280), (1817, 1838), (771, 1989), (2173, 6468), (740, 2091), (1433, 1581), (2458, 1453),
    (3459, 6252), (2155, 7122), (1205, 7711), (413, 7216), (874, 2113), (2463, 1095), (1106, 1628),
    (1590, 1713), (3873, 6102), (4026, 6123), (4272, 6070), (3556, 1115), (128, 8047), (1200, 6795),
    (130, 2575), (4494, 53), (1871, 1729), (3073, 6388), (4386, 682), (4098, 5565), (1923, 7160),
    (1176, 2277),
)  # fmt: skip
"""Phase difference and truncation point by PRN from 1 (BDS-SIS-ICD-B1C-1.0, table 5-3)."""

_WEIL = 10243


@cache
def chips(system: System, prn: int) -> NDArray[np.int8]:
    """One period of a satellite's code, LENGTHS[system] of +1 and -1; read only."""
    made = {"G": coarse_acquisition, "E": drawn, "C": b1c_pilot}[system](prn)
    made.flags.writeable = False
    return made


def coarse_acquisition(prn: int) -> NDArray[np.int8]:
    """GPS L1 C/A, (1023,), PRN 1 to 32."""
    if not 1 <= prn <= len(_CA_TAPS):
        raise ValueError(f"GPS C/A codes are of PRN 1 to {len(_CA_TAPS)}, not {prn}")
    one, two = np.ones(10, np.int8), np.ones(10, np.int8)
    first, second = (tap - 1 for tap in _CA_TAPS[prn - 1])
    out = np.empty(1023, np.int8)
    for chip in range(1023):
        out[chip] = one[9] ^ two[first] ^ two[second]
        one[1:], one[0] = one[:-1].copy(), one[2] ^ one[9]
        two[1:], two[0] = two[:-1].copy(), np.bitwise_xor.reduce(two[[1, 2, 5, 7, 8, 9]])
    return 1 - 2 * out


def b1c_pilot(prn: int) -> NDArray[np.int8]:
    """BDS-3 B1C pilot, (10230,), PRN 1 to 63: a Weil code, cut."""
    if not 1 <= prn <= len(_B1C_PILOT):
        raise ValueError(f"B1C codes are of PRN 1 to {len(_B1C_PILOT)}, not {prn}")
    difference, start = _B1C_PILOT[prn - 1]
    legendre = np.zeros(_WEIL, np.int8)
    legendre[np.arange(1, _WEIL, dtype=np.int64) ** 2 % _WEIL] = 1
    legendre[0] = 0
    index = (np.arange(LENGTHS["C"]) + start - 1) % _WEIL
    return 1 - 2 * (legendre[index] ^ legendre[(index + difference) % _WEIL])


def drawn(prn: int) -> NDArray[np.int8]:
    """A random code of Galileo E1's length, (4092,); the same for the same PRN."""
    rng = np.random.default_rng([4092, prn])
    return (1 - 2 * rng.integers(0, 2, LENGTHS["E"])).astype(np.int8)


def replica(system: System, prn: int, rate_hz: float) -> NDArray[np.float32]:
    """One period sampled at rate_hz, (samples,); E1 and B1C with their BOC(1,1) subcarrier."""
    code = chips(system, prn)
    count = round(len(code) / CHIP_RATE_HZ * rate_hz)
    return at(system, prn, np.arange(count, dtype=np.float64) * (CHIP_RATE_HZ / rate_hz))


def at(system: System, prn: int, phase_chips: NDArray[np.floating]) -> NDArray[np.float32]:
    """The signal's sign at code phases of any shape, in chips; periodic."""
    code = chips(system, prn)
    whole = np.floor(phase_chips).astype(np.int64)
    value: NDArray[np.float32] = code[whole % len(code)].astype(np.float32)
    if system != "G":
        value[phase_chips - whole >= 0.5] *= -1
    return value
