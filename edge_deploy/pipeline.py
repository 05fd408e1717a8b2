"""From a quantised file to integers, on this machine as on every target.

network = prepare(path)                 read the graph, prove its rounding, generate C
prepare_bytes(payload, name)            the same of bytes in memory
step(network, Stamped[Image])           one picture, the integers every target gives
compare(network, inputs, scratch)       all targets on the same inputs (edge_deploy.verify)
deploy(graph, sources, target, folder)  the folder for a board (edge_deploy.c.deploy)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.runtime.errors import ModelError
from common.types.image import Image
from common.types.stamped import Stamped
from edge_deploy.c.generate import generate
from edge_deploy.errors import EdgeError
from edge_deploy.graph.onnx_file import open_bytes
from edge_deploy.graph.read import from_file
from edge_deploy.graph.resize import at_size
from edge_deploy.reference.run import run
from edge_deploy.verify.compare import Network


def prepare(path: Path, size: tuple[int, int] | None = None) -> Network:
    """A quantised ONNX file, its integer graph with every rounding proven, and its C sources.

    size: (height, width) of the pictures, where not the file's own. EdgeError names layer and cure.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror}") from None
    try:
        return prepare_bytes(at_size(payload, size), path.stem, size)
    except ModelError as error:
        raise EdgeError(f"{path}: not a model that can be used: {error}") from None


def prepare_bytes(payload: bytes, name: str, size: tuple[int, int] | None = None) -> Network:
    """`prepare` of a file in memory, e.g. one whose hash was checked; size: where it is free."""
    graph = from_file(open_bytes(payload, size), name)
    return Network(payload, graph, generate(graph))


def step(network: Network, sample: Stamped[Image]) -> Stamped[dict[str, NDArray[np.uint8]]]:
    """Outputs by name, (C, H, W) or (N,), of one 8-bit picture of the network's size.

    The picture's bytes are the network's input as they are: the file's own scale says what they
    stand for. Computed by the proven integer forms.
    """
    graph = network.graph
    pixels = sample.value.pixels
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if len(graph.inputs) != 1 or planes.shape != graph.tensors[graph.inputs[0]].shape:
        wanted = [graph.tensors[name].shape for name in graph.inputs]
        raise EdgeError(f"the network takes {wanted}, the picture is {planes.shape}")
    found = run(graph, {graph.inputs[0]: planes[None]}, network.sources.forms.rescales)
    return sample.with_value({name: value[0] for name, value in found.items()})
