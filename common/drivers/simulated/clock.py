"""The clock of a simulated device: it drifts and wanders."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from common.drivers.fields import NonNegative


class ClockModel(BaseModel):
    """A device's own clock: starts at `offset_s`, runs `drift_ppm` fast, wanders.

    walk_ns_per_sqrt_s: standard deviation of the random walk after one second.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    offset_s: NonNegative = 1000.0
    drift_ppm: Annotated[float, Field(ge=-1000, le=1000)] = 20.0
    walk_ns_per_sqrt_s: NonNegative = 200.0


class DriftingClock:
    """A quartz that runs fast by some ppm and wanders; read it at rising times."""

    def __init__(self, model: ClockModel, seed: int) -> None:
        self._model = model
        self._rng = np.random.default_rng([seed, 1])
        self._walk_ns = 0.0
        self._last_s = 0.0

    def read_ns(self, time_s: float) -> int:
        """The clock's reading `time_s` after the device was connected."""
        spread_ns = self._model.walk_ns_per_sqrt_s * max(time_s - self._last_s, 0.0) ** 0.5
        self._walk_ns += float(self._rng.normal(0.0, spread_ns)) if spread_ns > 0 else 0.0
        self._last_s = time_s
        elapsed_ns = time_s * (1e9 + 1e3 * self._model.drift_ppm)
        return int(self._model.offset_s * 1e9 + elapsed_ns + self._walk_ns)
