"""What was recorded or simulated, handed over as a receiver's driver would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from common.types.gnss import GnssEpoch
from common.types.stamped import Stamped

FRAME = "gnss_antenna"


def stamped(epochs: Iterable[GnssEpoch]) -> Iterator[Stamped[GnssEpoch]]:
    """Epochs with stamps of their own time."""
    for seq, epoch in enumerate(epochs):
        yield Stamped(seq, epoch.time_ns, epoch.time_ns, FRAME, epoch)
