"""The sliding windows of convolutions, pools and blocks: geometry and when a window is ready."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.fpga.layout import Shape


@dataclass(frozen=True, slots=True)
class Window:
    """kernel, stride, pad (top, left) over pixels of `source`, giving `pixels` (rows, columns)."""

    source: Shape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    pixels: tuple[int, int]

    @property
    def span(self) -> int:
        """Pixels from a window's first to its last, both counted."""
        return (self.kernel[0] - 1) * self.source[2] + self.kernel[1]

    @property
    def capacity(self) -> int:
        """Pixels kept: a span, the rows by which the window moves on, so that writing goes on, and
        one that is written before the count of pixels tells.
        """
        return self.span + self.stride[0] * self.source[2] + 2

    @property
    def ready(self) -> NDArray[np.int64]:
        """Pixels of the picture that must have come before each window, in stream order."""
        rows, columns = np.indices(self.pixels)
        first = (rows * self.stride[0] - self.pad[0]) * self.source[2]
        first += columns * self.stride[1] - self.pad[1]
        return np.minimum(first + self.span, self.source[1] * self.source[2]).reshape(-1)

    @property
    def parameters(self) -> dict[str, int]:
        """Of the modules that hold a `lingnan_window`."""
        channels, height, width = self.source
        return {
            "CHANNELS": channels,
            "HEIGHT": height,
            "WIDTH": width,
            "KERNEL_ROWS": self.kernel[0],
            "KERNEL_COLUMNS": self.kernel[1],
            "STRIDE_DOWN": self.stride[0],
            "STRIDE_RIGHT": self.stride[1],
            "PAD_TOP": self.pad[0],
            "PAD_LEFT": self.pad[1],
            "OUT_ROWS": self.pixels[0],
            "OUT_COLUMNS": self.pixels[1],
            "CAPACITY": self.capacity,
        }


@dataclass(frozen=True, slots=True)
class Rows(Window):
    """An enlargement by whole factors: output rows wait for the whole input row they repeat."""

    @property
    def capacity(self) -> int:
        """Two rows."""
        return 2 * self.source[2]

    @property
    def ready(self) -> NDArray[np.int64]:
        """The end of the input row."""
        rows = np.arange(self.pixels[0]) // self.stride[0]
        return np.repeat((rows + 1) * self.source[2], self.pixels[1])
