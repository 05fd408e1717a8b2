"""From a network's map to a decision and its regions: what the board's program does, in Python.

A picture is padded on the right and below by its last column and row; the score is the highest
cell; a part is defective at or above the threshold. Regions are connected cells at or above the
lower of the threshold and logit 0, so that a fading scratch stays one; those that reach the
threshold are told. Cells one blank cell apart belong together.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph, Tensor

MULTIPLE = 16  # a picture may lack up to this many pixels, less one, of the network's sides
CANDIDATE = 0.0  # logit
NEVER = 256  # a level that no uint8 reaches

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Region:
    """box_px: x0, y0, x1, y1, the last two exclusive. score: its highest cell, a logit."""

    box_px: tuple[int, int, int, int]
    score: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One picture. regions: in the order of their first cell, row by row."""

    defective: bool
    score: float
    regions: tuple[Region, ...]

    def line(self, frame: int) -> str:
        """As the program prints it: JSON, numbers to nine digits."""
        regions = ",".join(
            f'{{"box_px":[{",".join(map(str, one.box_px))}],"score":{one.score:.9g}}}'
            for one in self.regions
        )
        word = "true" if self.defective else "false"
        start = f'"frame":{frame},"defective":{word},"score":{self.score:.9g}'
        return f'{{{start},"regions":[{regions}]}}'


@dataclass(frozen=True, slots=True)
class Rule:
    """How a network's map is judged. height, width: of the network's picture; map: its output.

    low, least: uint8 levels of the regions' growth and of the threshold; 256 is never reached.
    """

    height: int
    width: int
    map: Tensor
    low: int
    least: int

    @property
    def stride(self) -> int:
        """Pixels a cell, each way."""
        return self.height // self.map.shape[1]


def rule(graph: Graph, threshold: float) -> Rule:
    """EdgeError where the network is not one grey picture in, one map out."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise EdgeError(f"{graph.name}: a decision needs one picture in and one map out")
    picture, found = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    grey = len(picture.shape) == 3 and picture.shape[0] == 1
    if not grey or len(found.shape) != 3 or found.shape[0] != 1:
        raise EdgeError(
            f"{graph.name}: takes {picture.shape} and gives {found.shape}; a decision "
            "needs one grey picture in and one map out"
        )
    (_, height, width), (_, rows, columns) = picture.shape, found.shape
    stride = height // rows
    if (rows * stride, columns * stride) != (height, width) or stride > MULTIPLE:
        raise EdgeError(f"{graph.name}: a map of {rows} x {columns} does not tile its picture")
    low = level(found, min(threshold, CANDIDATE))
    return Rule(height, width, found, low, level(found, threshold))


def real(value: NDArray[np.integer], tensor: Tensor) -> NDArray[np.float32]:
    """Logits of uint8 values, in float32 as the network's own last step."""
    steps = value.astype(np.float32) - np.float32(tensor.zero_point)
    return np.asarray(steps * np.float32(tensor.scale), np.float32)


def level(tensor: Tensor, threshold: float) -> int:
    """The least uint8 whose logit is at or above a threshold."""
    reached = np.flatnonzero(real(np.arange(256), tensor).astype(np.float64) >= threshold)
    return int(reached[0]) if len(reached) else NEVER


def padded(picture: U8, wanted: Rule) -> U8:
    """(1, height, width) of a picture (H, W). EdgeError where it is not of the network's size."""
    down, right = wanted.height - picture.shape[0], wanted.width - picture.shape[1]
    if picture.ndim != 2 or not (0 <= down < MULTIPLE and 0 <= right < MULTIPLE):
        raise EdgeError(f"a picture of {picture.shape}; made for {wanted.height} x {wanted.width}")
    full = cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(full, np.uint8)[None]


def decide(cells: U8, shape: tuple[int, int], wanted: Rule) -> Decision:
    """The decision of the network's map (1, rows, columns) on a picture of `shape` (H, W)."""
    rows, columns = (-(-extent // wanted.stride) for extent in shape)
    here = cells[0, :rows, :columns]
    best = int(here.max())
    regions = _regions(here, shape, wanted)
    return Decision(best >= wanted.least, _logit(best, wanted), regions)


def _logit(value: int, wanted: Rule) -> float:
    return float(real(np.array(value), wanted.map))


def _regions(cells: U8, shape: tuple[int, int], wanted: Rule) -> tuple[Region, ...]:
    hit = cells.astype(np.int32) >= wanted.low
    joined = cv2.dilate(hit.astype(np.uint8), np.ones((2, 2), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    labels[~hit] = 0
    first = [(int(np.flatnonzero(labels.ravel() == at)[0]), at) for at in range(1, count)]
    found = []
    for _, at in sorted(first):
        rows, columns = np.nonzero(labels == at)
        best = int(cells[rows, columns].max())
        if best >= wanted.least:
            step = wanted.stride
            x1 = min(int(columns.max() + 1) * step, shape[1])
            y1 = min(int(rows.max() + 1) * step, shape[0])
            box = (int(columns.min()) * step, int(rows.min()) * step, x1, y1)
            found.append(Region(box, _logit(best, wanted)))
    return tuple(found)


def header(wanted: Rule) -> str:
    """decide.h: the rule as the C program knows it."""
    _, rows, columns = wanted.map.shape
    names = {
        "HEIGHT": wanted.height,
        "WIDTH": wanted.width,
        "ROWS": rows,
        "COLUMNS": columns,
        "MULTIPLE": MULTIPLE,
        "LOW": wanted.low,
        "LEAST": wanted.least,
        "ZERO_POINT": wanted.map.zero_point,
        "SCALE": f"{float(np.float32(wanted.map.scale)).hex()}f",
    }
    lines = "".join(f"#define DECIDE_{name} {value}\n" for name, value in names.items())
    return f"/* Generated by lingnan edge deploy. */\n{lines}"
