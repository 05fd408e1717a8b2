"""A folder with the file for ONNX Runtime on x86, and its own check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.runtime.products import exact
from edge_deploy.errors import EdgeError
from edge_deploy.graph.fold import fold
from edge_deploy.graph.ir import Graph
from edge_deploy.reference.run import run
from edge_deploy.verify.onnxruntime import to_real
from edge_deploy.x86.write import told, write

CHECK = '''"""Runs net.onnx on inputs.npz and compares with expected.npz; needs onnxruntime."""

from pathlib import Path

import numpy as np
import onnxruntime

here = Path(__file__).parent
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(here / "net.onnx", options)
inputs, expected = (np.load(here / f"{word}.npz") for word in ("inputs", "expected"))
names = [one.name for one in session.get_outputs()]
count = len(next(iter(inputs.values())))
for at in range(count):
    given = {name: inputs[name][at : at + 1] for name in inputs}
    for name, value in zip(names, session.run(names, given)):
        if not np.array_equal(value[0], expected[name][at]):
            raise SystemExit(f"{name} of picture {at} is not as expected")
print(f"every output of {count} pictures is as expected")
'''


def deploy(graph: Graph, folder: Path, inputs: Mapping[str, NDArray[np.uint8]]) -> tuple[str, ...]:
    """Write net.onnx, its vectors and the check; the names of the files. The weights are what this
    processor multiplies exactly; on another kind the check tells.

    inputs: pictures whose outputs by the reference become the expected values. EdgeError where
    the folder holds anything already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EdgeError(f"{folder} is not an empty folder: name a new one")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.onnx").write_bytes(exact(write(fold(graph))))
    wanted = run(graph, inputs)
    expected = {told(name): to_real(value, graph.tensors[name]) for name, value in wanted.items()}
    np.savez(folder / "inputs.npz", allow_pickle=False, **inputs)
    np.savez(folder / "expected.npz", allow_pickle=False, **expected)
    (folder / "check.py").write_text(CHECK, "utf-8")
    return tuple(sorted(path.name for path in folder.iterdir()))
