"""What `lingnan edge system` does between its options and what it prints."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_deploy.arm64 import bundle, decision
from edge_deploy.errors import EdgeError, ToolMissingError
from edge_deploy.fpga import deploy
from edge_deploy.pipeline import prepare
from edge_deploy.system import build
from edge_deploy.system.run import Fault, Ran

MOST_BYTES = 1 << 28  # of a picture's file


@dataclass(frozen=True, slots=True)
class Shown:
    """What the system said of each picture, and what the reference says."""

    ran: Ran
    lines: tuple[str, ...]
    wanted: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every picture was decided, and as the reference decides."""
        return not self.ran.failed and self.lines == self.wanted


def show(model: Path, pictures: Sequence[Path], threshold: float, fault: Fault) -> Shown:
    """Build a system for the pictures' size and run them through it. EdgeError names the cure."""
    if reason := build.missing():
        raise ToolMissingError(reason)
    frames = [read(path) for path in pictures]
    if len({frame.shape for frame in frames}) != 1:
        raise EdgeError("the pictures are not of one size: the accelerator is built for one")
    network = prepare(model, _whole(frames[0]))
    rule = decision.rule(network.graph, threshold)
    wanted = bundle.decide_all(network.graph, rule, frames)
    with tempfile.TemporaryDirectory() as scratch:
        accelerator = deploy.compiled(network.graph, Path(scratch) / "accelerator")
        made = build.system(accelerator, network.sources, threshold, Path(scratch) / "system")
        ran = made.decide(frames, fault)
    lines = tuple(ran.answer.decode("utf-8", "replace").splitlines())
    return Shown(ran, lines, tuple(one.line(at) for at, one in enumerate(wanted)))


def read(path: Path) -> NDArray[np.uint8]:
    """A picture (H, W), grey."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise EdgeError(f"{path}: more than {MOST_BYTES >> 20} MiB")
        payload = np.fromfile(path, np.uint8)
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror or error}") from None
    picture = cv2.imdecode(payload, cv2.IMREAD_GRAYSCALE) if payload.size else None
    if picture is None:
        raise EdgeError(f"{path}: not a picture that can be read")
    return np.asarray(picture, np.uint8)


def _whole(frame: NDArray[np.uint8]) -> tuple[int, int]:
    """The network's size for a picture: the next multiples of its cells' blocks."""
    step = decision.MULTIPLE
    height, width = (-(-extent // step) * step for extent in frame.shape)
    return height, width
