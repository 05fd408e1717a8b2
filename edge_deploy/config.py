"""What a deployment is told: one model for the command and the programs around it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

TargetName = Literal["c99", "cortex-m7", "arm64-linux", "onnxruntime-x86", "fpga-ecp5"]
Extent = Annotated[int, Field(gt=0, le=8192)]


class EdgeConfig(BaseModel):
    """model: a quantised ONNX file. size: (height, width) of the pictures,
    where they are not the file's own.

    pictures: how many inputs are tried; emulated: of these, how many under an emulator.
    real: uint8 (N, C, H, W) inputs of one's own, tried after the extreme ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path
    size: tuple[Extent, Extent] | None = None
    pictures: Annotated[int, Field(gt=0, le=1_000_000)] = 64
    emulated: Annotated[int, Field(gt=0, le=1_000_000)] = 8
    real: Path | None = None
    seed: int = 0
