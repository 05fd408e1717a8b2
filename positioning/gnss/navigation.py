"""Broadcast navigation messages as arrays of records, in the units and times of the messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Message(IntEnum):
    """Kind of a Keplerian message."""

    LNAV = 0
    INAV = 1
    FNAV = 2
    D1 = 3
    D2 = 4


KEPLER = np.dtype([
    ("satellite", "i2"), ("message", "i2"),
    ("toc_week", "i4"), ("toc_s", "f8"), ("toe_week", "i4"), ("toe_s", "f8"),
    ("clock_bias_s", "f8"), ("clock_drift", "f8"), ("clock_drift_rate", "f8"),
    ("issue", "f8"), ("crs", "f8"), ("delta_n", "f8"), ("m0", "f8"),
    ("cuc", "f8"), ("eccentricity", "f8"), ("cus", "f8"), ("sqrt_a", "f8"),
    ("cic", "f8"), ("omega0", "f8"), ("cis", "f8"), ("i0", "f8"),
    ("crc", "f8"), ("omega", "f8"), ("omega_dot", "f8"), ("idot", "f8"),
    ("source", "f8"), ("flag", "f8"), ("accuracy_m", "f8"), ("health", "f8"),
    ("delay0_s", "f8"), ("delay1_s", "f8"), ("sent_s", "f8"), ("fit", "f8"),
])  # fmt: skip
"""Keplerian ephemerides: SI units and radians. Weeks are GPS weeks and toc_s, toe_s GPS seconds for
GPS, Galileo and QZSS; for BeiDou both are BeiDou time. issue: IODE, IODnav or AODE. source: codes
on L2 (GPS), data sources (Galileo). delay0_s, delay1_s: TGD and IODC for GPS and QZSS, BGD E5a and
E5b for Galileo, TGD1 and TGD2 for BeiDou. fit: fit interval in h (GPS), flag (QZSS), AODC
(BeiDou)."""

GLONASS = np.dtype([
    ("satellite", "i2"), ("channel", "i2"), ("toe_week", "i4"), ("toe_s", "f8"),
    ("clock_bias_s", "f8"), ("clock_drift", "f8"), ("sent_s", "f8"),
    ("position_m", "f8", (3,)), ("velocity_mps", "f8", (3,)), ("acceleration_mps2", "f8", (3,)),
    ("health", "f8"), ("age_days", "f8"),
])  # fmt: skip
"""GLONASS state vectors, PZ-90 taken for WGS 84 (they agree to centimetres). toe in GPS time;
clock_bias_s is -TauN, clock_drift GammaN; sent_s second of the UTC day or week, as in the file."""

Records = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class NavigationMessages:
    """What satellites sent.

    kepler: (M,) of KEPLER; glonass: (K,) of GLONASS, each by satellite and time of ephemeris.
    ionosphere: "GPSA", "GPSB", "GAL", "BDSA", ... -> up to 4 coefficients (RINEX 3 names).
    leap_s: GPS time less UTC.
    """

    kepler: Records
    glonass: Records
    ionosphere: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    leap_s: int = 18

    def klobuchar(self, system: str = "GPS") -> NDArray[np.float64] | None:
        """(8,) alpha and beta of a system (GPS, BDS, QZS), None where not told."""
        alpha, beta = self.ionosphere.get(system + "A"), self.ionosphere.get(system + "B")
        return None if alpha is None or beta is None else np.concatenate([alpha, beta])

    def glonass_channels(self) -> dict[int, int]:
        """GLONASS satellite -> frequency channel."""
        return {int(r["satellite"]): int(r["channel"]) for r in self.glonass}


def merged(parts: list[NavigationMessages]) -> NavigationMessages:
    """All of them, each message once (the first of a satellite, kind and time)."""
    ionosphere: dict[str, NDArray[np.float64]] = {}
    for part in parts:
        ionosphere = {**part.ionosphere, **ionosphere}
    kepler = np.concatenate([p.kepler for p in parts])
    glonass = np.concatenate([p.glonass for p in parts])
    return NavigationMessages(
        _unique(kepler, ["satellite", "message", "toe_week", "toe_s", "issue"]),
        _unique(glonass, ["satellite", "toe_week", "toe_s"]),
        ionosphere,
        parts[0].leap_s,
    )


def _unique(records: Records, names: list[str]) -> Records:
    keys = np.stack([records[name].astype(np.float64) for name in names], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    return records[first]
