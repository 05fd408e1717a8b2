"""A counter for receivers, whose epochs carry a time and no number."""

from __future__ import annotations

LONGEST_GAP_S = 60.0


class EpochCounter:
    """Counts epochs by their times: a gap of n periods is n - 1 lost, the same time a repeat.

    A step of over LONGEST_GAP_S or back is the receiver's clock being set, and counts as one.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._last_ns: int | None = None
        self._counter = -1

    def step(self, time_ns: int) -> int:
        """The number of the epoch at `time_ns`."""
        last, self._last_ns = self._last_ns, time_ns
        passed_s = 0.0 if last is None else (time_ns - last) * 1e-9
        if last is not None and passed_s == 0:
            return self._counter
        within = 0 < passed_s < LONGEST_GAP_S
        self._counter += max(round(passed_s * self._rate_hz), 1) if within else 1
        return self._counter
