"""What a simulated receiver observes. Who may be named: `simulated.scenes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from common.drivers.gnss.carriers import carrier_hz
from common.types.gnss import SIGNAL, WEEK_S, GnssEpoch

SPEED_OF_LIGHT_MPS = 299_792_458.0


class GnssScene(Protocol):
    """A receiver under a sky."""

    def observe(self, time_s: float, rng: np.random.Generator) -> GnssEpoch:
        """The epoch `time_s` after the receiver was connected, its noise drawn from `rng`.

        The same arguments give the same epoch.
        """
        ...


@dataclass(frozen=True)
class Still:
    """A receiver that stands still, and satellites that near it or draw away at constant rates.

    Made for drivers and what moves data, not for solving: the ranges belong to no orbit. Code,
    phase and Doppler of a satellite agree; the noise is white.

    sky: of each satellite its name, range in m, range rate in m/s, C/N0 in dBHz.
    signals: RINEX signals by system letter. week, tow_s: GPS time when it is connected.
    """

    sky: tuple[tuple[str, float, float, float], ...] = (
        ("G05", 20.9e6, -310.0, 48.0),
        ("G12", 22.3e6, 120.0, 44.0),
        ("G25", 24.8e6, 510.0, 37.0),
        ("E11", 23.6e6, -90.0, 46.0),
        ("E24", 25.9e6, 430.0, 39.0),
        ("C21", 22.1e6, -220.0, 45.0),
        ("C36", 24.0e6, 300.0, 41.0),
    )
    signals: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("G", ("1C", "2L")), ("E", ("1C", "7Q")), ("C", ("2I", "7I")),
    )  # fmt: skip
    week: int = 2400
    tow_s: float = 259_200.0
    code_sigma_m: float = 0.3
    phase_sigma_cycles: float = 0.005
    doppler_sigma_hz: float = 0.1

    def observe(self, time_s: float, rng: np.random.Generator) -> GnssEpoch:
        wanted = dict(self.signals)
        rows = np.array(
            [
                (name, signal, *self._observed(name, signal, time_s, range_m, rate_mps, cn0))
                for name, range_m, rate_mps, cn0 in self.sky
                for signal in wanted.get(name[:1], ())
            ],
            SIGNAL,
        )
        noise = rng.standard_normal((4, len(rows)))
        rows["code_m"] += self.code_sigma_m * noise[0]
        rows["phase_cycles"] += self.phase_sigma_cycles * noise[1]
        rows["doppler_hz"] += self.doppler_sigma_hz * noise[2]
        rows["cn0_dbhz"] += np.round(noise[3]).astype(np.float32)
        weeks, tow_s = divmod(self.tow_s + time_s, WEEK_S)
        return GnssEpoch.make(self.week + int(weeks), tow_s, rows, leap_s=18)

    @staticmethod
    def _observed(
        name: str, signal: str, time_s: float, range_m: float, rate_mps: float, cn0_dbhz: float
    ) -> tuple[Any, ...]:
        carrier = carrier_hz(name[:1], signal[:1])
        wavelength_m = SPEED_OF_LIGHT_MPS / carrier
        code_m = range_m + rate_mps * time_s
        doppler_hz = -rate_mps / wavelength_m
        return code_m, code_m / wavelength_m, doppler_hz, cn0_dbhz, 30.0 + time_s, False, carrier


def still(**parameters: Any) -> GnssScene:
    """A `Still`; lists stand for its tuples, as in a config file."""
    for name in ("sky", "signals"):
        if name in parameters:
            parameters[name] = tuple(_frozen(entry) for entry in parameters[name])
    return Still(**parameters)


def _frozen(entry: Any) -> Any:
    return tuple(_frozen(part) for part in entry) if isinstance(entry, list | tuple) else entry
