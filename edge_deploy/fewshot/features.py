"""Features of pictures by the shipped backbone: what a head is given, as uint8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.runtime.session import Session
from common.runtime.weights import load
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file

NAME = "fewshot_int8"
WEIGHTS = Path(__file__).resolve().parents[1] / "weights"

U8 = NDArray[np.uint8]


def backbone() -> bytes:
    """The shipped quantised backbone, its bytes verified."""
    return load(WEIGHTS, NAME).payload


def extract(payload: bytes, pictures: U8) -> U8:
    """(N, 32, 32) pictures to (N, features) in the steps of the network's output."""
    graph = from_file(open_bytes(payload, None), NAME)
    told = graph.tensors[graph.outputs[0]]
    session = Session(payload, warmup=0)
    name = next(iter(session.inputs)).name
    rows = []
    for one in _floats(pictures):
        values = next(iter(session.run({name: one}).values()))
        rows.append(np.rint(values / np.float32(told.scale)).astype(np.int64) + told.zero_point)
    return np.clip(np.concatenate(rows), 0, 255).astype(np.uint8)


def _floats(pictures: U8) -> Iterator[NDArray[np.float32]]:
    for one in pictures:
        yield one[None, None].astype(np.float32) / np.float32(255)
