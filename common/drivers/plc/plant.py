"""What hangs on a simulated PLC's terminals, and the plainest such thing: an even belt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from common.drivers.plc.config import SimPlcConfig


@dataclass(frozen=True, slots=True)
class Inputs:
    """Terminals as the PLC reads them. camera, second: the light barriers are covered.
    strokes: each ejector's sensor says that it is out."""

    encoder: int
    camera: bool
    second: bool
    strokes: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Terminals as the PLC sets them: the belt's drive, each ejector's coil."""

    belt: bool
    coils: tuple[bool, ...]


class Plant(Protocol):
    """The machine's mechanics."""

    def step(self, dt_s: float, outputs: Outputs) -> Inputs:
        """Let `dt_s` pass under these outputs; what the terminals read then."""
        ...


class EvenBelt:
    """Parts at even distances, ejectors that stroke `response_s` after their coil; no truth."""

    def __init__(self, config: SimPlcConfig) -> None:
        self._config = config
        self._travel_mm = 0.0
        self._on_s = [0.0] * len(config.settings.lanes_mm)

    def step(self, dt_s: float, outputs: Outputs) -> Inputs:
        """See `Plant`."""
        settings = self._config.settings
        if outputs.belt:
            self._travel_mm += self._config.speed_mm_s * dt_s
        self._on_s = [
            on_s + dt_s if coil else 0.0
            for on_s, coil in zip(self._on_s, outputs.coils, strict=True)
        ]
        return Inputs(
            encoder=int(self._travel_mm / settings.count_mm),
            camera=self._covered(0.0),
            second=self._covered(settings.second_mm),
            strokes=tuple(on_s >= settings.response_s for on_s in self._on_s),
        )

    def _covered(self, place_mm: float) -> bool:
        behind_mm = self._travel_mm - place_mm
        return behind_mm >= 0 and behind_mm % self._config.pitch_mm < self._config.settings.part_mm
