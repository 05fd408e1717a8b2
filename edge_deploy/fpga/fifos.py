"""How deep the FIFO before each input of a join must be, from when each pixel comes.

A picture's pixels enter at an even pace. A stage's pixel comes once the input pixels it waits for
have come and its own pace allows. At a join the earlier stream waits for the later one: the most
bytes that ever wait, over two pictures in a row, is the depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_deploy.fpga.layout import Shape
from edge_deploy.fpga.stages import Stage

LATENCY = 36  # cycles from a stage's last input to its output
SPARE_PIXELS = 2
LEAST = 4

Times = NDArray[np.float64]


def depths(
    stages: Sequence[Stage], shapes: Mapping[str, Shape], inputs: Sequence[str], interval: int
) -> dict[tuple[str, str], int]:
    """Bytes by (stage, tensor) for every input of a stage that joins."""
    times: dict[str, Times] = {name: _even(shapes[name], interval) for name in inputs}
    found: dict[tuple[str, str], int] = {}
    for stage in stages:
        arrivals = [_arrival(stage, times[name]) for name in stage.inputs]
        start = np.maximum.reduce(arrivals)
        if len(arrivals) > 1:
            for name, arrival in zip(stage.inputs, arrivals, strict=True):
                waiting = _most_waiting(arrival, start, interval)
                found[stage.name, name] = max((waiting + SPARE_PIXELS) * shapes[name][0], LEAST)
        times[stage.output] = _paced(start + LATENCY, stage.pace)
    return found


def _even(shape: Shape, interval: int) -> Times:
    pixels = shape[1] * shape[2]
    times: Times = np.arange(1, pixels + 1, dtype=np.float64) * (interval / pixels)
    return times


def _arrival(stage: Stage, times: Times) -> Times:
    """When the input that each output pixel waits for has come."""
    if stage.window is None:
        return times
    arrival: Times = times[np.maximum(stage.window.ready, 1) - 1]
    return arrival


def _paced(start: Times, pace: int) -> Times:
    """Each pixel `pace` cycles after the one before at least."""
    earlier = np.arange(len(start)) * float(pace)
    paced: Times = np.maximum.accumulate(start - earlier) + earlier + pace
    return paced


def _most_waiting(arrival: Times, taken: Times, interval: int) -> int:
    """Pixels that have come and are not taken, at worst; the next picture's come too."""
    come = np.sort(np.concatenate([arrival, arrival + interval]))
    gone = np.sort(np.concatenate([taken, taken + interval]))
    here = np.arange(1, len(come) + 1) - np.searchsorted(gone, come, "left")
    return int(here.max())
