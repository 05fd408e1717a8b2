"""Finds the bright part of each image; waits for somebody to configure and activate it."""

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
from pydantic import BaseModel

from common.ros.convert import DETECTIONS, IMAGE
from common.ros.node import Wiring
from common.ros.run import run
from common.types.detections import Detections


class Config(BaseModel):
    level: int = 100


def pipeline(current: Callable[[], Config]):
    def step(sample):
        rows, columns = np.nonzero(sample.value.pixels > current().level)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        score = sample.value.pixels.mean()
        found = Detections(
            np.array([box], np.float32), np.array([score], np.float32), np.zeros(1, int)
        )
        return sample.with_value(found)

    return nullcontext(step)


run(
    Wiring(
        name="finder",
        config=Config(),
        pipeline=pipeline,
        subscribes=(IMAGE, "image"),
        publishes=(DETECTIONS, "detections"),
    ),
)
