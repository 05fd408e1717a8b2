"""One Python backend in a process of its own, so that its peak memory is its own.

python -m edge_deploy.bench.child BACKEND FILE ROUNDS CHANNELS HEIGHT WIDTH

BACKEND: onnxruntime (FILE: .onnx), ncnn (.param, its .bin beside it), or iree-u8 and iree-f32
(.vmfb that takes bytes or floats).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from common.runtime.session import Session
from common.runtime.timing import measure, peak_rss_mib

IMPORTED = {"ncnn": "ncnn", "iree-u8": "iree.runtime", "iree-f32": "iree.runtime"}


def main() -> None:
    """Print {"cpu_ms", "peak_mib", "before_mib"} as JSON; before: with all imported, no model."""
    backend, path, rounds, *shape = sys.argv[1:]
    if backend in IMPORTED:
        import_module(IMPORTED[backend])
    before = peak_rss_mib()
    call = _caller(backend, path, picture([int(extent) for extent in shape]))
    timing = measure(call, repeats=int(rounds), warmup=2)
    told = {
        "cpu_ms": timing.cpu_ms_median,
        "peak_mib": timing.peak_rss_mib,
        "before_mib": before,
    }
    print(json.dumps(told))


def picture(shape: Sequence[int]) -> np.ndarray:
    """(1, *shape) uint8, the same for every backend."""
    return np.random.default_rng(0).integers(0, 256, (1, *shape)).astype(np.uint8)


def _caller(backend: str, path: str, given: np.ndarray) -> Callable[[], object]:
    if backend == "ncnn":
        from edge_deploy.bench import ncnn_calls

        return ncnn_calls.caller(path, given[0])
    if backend.startswith("iree"):
        from edge_deploy.bench import iree

        return iree.caller(path, given if backend == "iree-u8" else _scaled(given))
    return _onnxruntime(path, given)


def _scaled(given: np.ndarray) -> np.ndarray:
    return given.astype(np.float32) / np.float32(255)


def _onnxruntime(path: str, given: np.ndarray) -> Callable[[], object]:
    session = Session(Path(path).read_bytes(), threads=1)
    (spec,) = session.inputs
    return partial(session.run, {spec.name: given if spec.dtype == np.uint8 else _scaled(given)})


if __name__ == "__main__":
    main()
