"""The array of an epoch, and what every receiver declares of it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import Delivery, DriverSpec
from common.types.gnss import MAX_SIGNALS, SIGNAL, GnssEpoch


def octets(epoch: GnssEpoch) -> NDArray[np.uint8]:
    """(MAX_SIGNALS, bytes of a row) uint8, the epoch's own table: its rows are of mixed types."""
    return epoch.table.view(np.uint8).reshape(len(epoch.table), SIGNAL.itemsize)


def declared(
    kind: Literal["sim", "replay", "serial"], frame_id: str, rate_hz: float, delivery: Delivery
) -> DriverSpec:
    """The spec of a receiver: a table of SIGNAL rows in m, cycles, Hz and dBHz."""
    return DriverSpec(
        kind="gnss",
        type=kind,
        frame_id=frame_id,
        shape=(MAX_SIGNALS, SIGNAL.itemsize),
        dtype="uint8",
        rate_hz=rate_hz,
        unit="rows of SIGNAL",
        delivery=delivery,
    )
