"""What an inspection is told: one model for the command, the service and the ROS 2 node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Overlays = Literal["all", "defects", "none"]


class InspectionConfig(BaseModel):
    """job: the job file that was taught. reference: the golden image, for jobs that compare and
    sources that bring none.

    um_per_px: edge of a pixel on the part, where the camera does not tell; sizes are then given in
    micrometres too.
    overlays: which pictures are written with what was found drawn in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    job: Path
    reference: Path | None = None
    um_per_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    overlays: Overlays = "defects"
