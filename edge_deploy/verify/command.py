"""What `lingnan edge verify` does between its options and its table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.config import EdgeConfig
from edge_deploy.errors import EdgeError
from edge_deploy.verify.compare import Network, Row, compare
from edge_deploy.verify.inputs import make


def verify_network(
    network: Network, config: EdgeConfig, tell: Callable[[int, int, str], None]
) -> tuple[Row, ...]:
    """Every backend on the inputs that `config` asks for, in a folder that goes afterwards."""
    real = None if config.real is None else _load(config.real)
    inputs = make(network.graph, config.pictures, config.seed, real)
    with tempfile.TemporaryDirectory() as folder:
        return compare(network, inputs, Path(folder), emulated=config.emulated, tell=tell)


def _load(path: Path) -> NDArray[np.uint8]:
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror or error}") from None
    except (ValueError, EOFError):
        raise EdgeError(f"{path}: not an array file; give .npy of uint8 (N, C, H, W)") from None
    if not isinstance(array, np.ndarray):
        raise EdgeError(f"{path}: several arrays; give .npy of uint8 (N, C, H, W)")
    return array
