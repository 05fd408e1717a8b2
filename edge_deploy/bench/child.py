"""One Python backend in a process of its own, so that its peak memory is its own.

python -m edge_deploy.bench.child onnxruntime MODEL ROUNDS HEIGHT WIDTH
python -m edge_deploy.bench.child ncnn PARAM ROUNDS HEIGHT WIDTH     (PARAM beside its .bin)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from common.runtime.session import Session
from common.runtime.timing import measure, peak_rss_mib


def main() -> None:
    """Print {"cpu_ms", "peak_mib", "before_mib"} as JSON; before: with all imported, no model."""
    backend, path, rounds, height, width = sys.argv[1:]
    size = (int(height), int(width))
    if backend == "ncnn":
        import ncnn  # type: ignore[import-not-found,unused-ignore]
    before = peak_rss_mib()
    call = _ncnn(ncnn, path, size) if backend == "ncnn" else _onnxruntime(path, size)
    timing = measure(call, repeats=int(rounds), warmup=2)
    told = {
        "cpu_ms": timing.cpu_ms_median,
        "peak_mib": timing.peak_rss_mib,
        "before_mib": before,
    }
    print(json.dumps(told))


def picture(channels: int, size: tuple[int, int]) -> np.ndarray:
    """(1, C, H, W) uint8, the same for every backend."""
    return np.random.default_rng(0).integers(0, 256, (1, channels, *size)).astype(np.uint8)


def _onnxruntime(path: str, size: tuple[int, int]) -> Callable[[], object]:
    session = Session(Path(path).read_bytes(), threads=1)
    (spec,) = session.inputs
    given = picture(int(spec.shape[1]), size)
    scaled = given if spec.dtype == np.uint8 else given.astype(np.float32) / np.float32(255)
    return partial(session.run, {spec.name: scaled})


def _ncnn(ncnn: object, path: str, size: tuple[int, int]) -> Callable[[], object]:
    net = ncnn.Net()  # type: ignore[attr-defined]
    net.opt.num_threads = 1
    net.load_param(path)
    net.load_model(path.removesuffix(".param") + ".bin")
    scaled = ncnn.Mat(picture(1, size)[0].astype(np.float32) / np.float32(255))  # type: ignore[attr-defined]
    names = [*net.output_names()]

    def call() -> object:
        extractor = net.create_extractor()
        extractor.input(net.input_names()[0], scaled)
        return [np.array(extractor.extract(name)[1]) for name in names]

    return call


if __name__ == "__main__":
    main()
