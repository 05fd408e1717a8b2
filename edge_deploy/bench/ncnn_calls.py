"""Calls of ncnn and the CPU clock around each; numpy and ncnn alone, so that it also runs in an
emulated root.

python ncnn_calls.py PARAM ROUNDS CHANNELS HEIGHT WIDTH     (PARAM beside its .bin)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import ncnn  # type: ignore[import-not-found,unused-ignore]
import numpy as np


def caller(param: str, picture: np.ndarray) -> Callable[[], list[ncnn.Mat]]:
    """One thread; every output. picture (C, H, W) uint8, given as 0..1."""
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.load_param(param)
    net.load_model(param.removesuffix(".param") + ".bin")
    scaled = picture.astype(np.float32) / np.float32(255)
    borrowed, given, names = ncnn.Mat(scaled), net.input_names()[0], [*net.output_names()]

    def call(_lender: np.ndarray = scaled) -> list[ncnn.Mat]:  # a Mat does not keep its array
        extractor = net.create_extractor()
        extractor.input(given, borrowed)
        return [extractor.extract(name)[1] for name in names]

    return call


def main() -> None:
    """Print the CPU nanoseconds of every call, the first left out."""
    param, rounds, *shape = sys.argv[1:]
    picture = np.random.default_rng(0).integers(0, 256, [int(word) for word in shape])
    call = caller(param, picture.astype(np.uint8))
    for at in range(int(rounds) + 1):
        start = time.process_time_ns()
        call()
        if at:
            print(time.process_time_ns() - start)


if __name__ == "__main__":
    main()
