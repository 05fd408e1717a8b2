"""Each stage of the line in CPU time, beside copying the bytes that it cannot avoid moving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from common.acceptance.experiment import Size
from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import expose
from common.drivers.stream import checksum
from common.runtime.timing import measure as timing
from common.runtime.weights import load
from inspection.methods.golden import compare
from inspection.models.fcn import WEIGHTS, Fcn
from inspection.models.shipped import name_of
from inspection.sim.scene import EXPOSURE_US, SIDE_PX, station_scene

REPEATS: dict[Size, int] = {"quick": 20, "full": 100}
BOARD_PX = 640


@dataclass(frozen=True, slots=True)
class Stage:
    """bytes: read and written at the least. call: does the stage once."""

    name: str
    bytes: int
    call: Callable[[], object]


def measure(size: Size) -> dict[str, Any]:
    """CPU ms of each stage, its floor by memcpy in this run, and the ratio."""
    cv2.setNumThreads(1)
    rows, repeats = {}, REPEATS[size]
    for stage in _stages():
        source = np.ones(stage.bytes // 2, np.uint8)
        target = np.empty_like(source)
        floor = timing(lambda s=source, t=target: np.copyto(t, s), repeats=repeats, warmup=5)
        spent = timing(stage.call, repeats=repeats, warmup=5)
        rows[stage.name] = {
            "cpu_ms": spent.cpu_ms_median,
            "wall_ms": spent.median_ms,
            "mbytes": stage.bytes / 1e6,
            "floor_ms": floor.median_ms,
            "times_the_floor": spent.cpu_ms_median / floor.median_ms,
        }
    return {"n": repeats, "threads": 1, "stages": rows}


def show(result: dict[str, Any]) -> None:
    """A line a stage."""
    print(f"{'stage':34}{'CPU ms':>9}{'MB moved':>10}{'floor ms':>10}{'x floor':>9}")
    for name, row in result["stages"].items():
        print(
            f"{name:34}{row['cpu_ms']:9.2f}{row['mbytes']:10.1f}{row['floor_ms']:10.3f}"
            f"{row['times_the_floor']:9.0f}"
        )
    print(f"n = {result['n']} each, one thread, medians; the floor is a memcpy of the same bytes")


def _stages() -> list[Stage]:
    """Frames of 1024 x 1024 but for the board."""
    light = station_scene(count=4).render(0, "inspect", 0.0)
    rng = np.random.default_rng(1)
    sensor = SensorModel()
    frame = expose(light, EXPOSURE_US, 0.0, sensor, rng)
    int8, fp32 = (Fcn(load(WEIGHTS, name_of("metal", v)).payload) for v in ("int8", "fp32"))
    pixels = SIDE_PX * SIDE_PX
    board = np.where(rng.random((BOARD_PX // 16, BOARD_PX // 16)) < 0.5, 0, 255).astype(np.uint8)
    board = np.kron(board, np.ones((16, 16), np.uint8))
    return [
        Stage("sensor chain of the simulator", 5 * pixels,
              lambda: expose(light, EXPOSURE_US, 0.0, sensor, rng)),
        Stage("checksum of a frame", pixels, lambda: checksum(frame)),
        Stage("network, int8", pixels, lambda: int8.logits(frame)),
        Stage("network, fp32", pixels, lambda: fp32.logits(frame)),
        Stage("comparison of a 640 x 640 board", 2 * BOARD_PX * BOARD_PX,
              lambda: compare(board, board)),
    ]  # fmt: skip
