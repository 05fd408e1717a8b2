"""All files of a design: the library's modules that it needs, the top, the tables."""

from __future__ import annotations

from importlib import resources

from edge_deploy.fpga.design import Design
from edge_deploy.fpga.top import module_name, top

NEEDS = {
    "lingnan_conv": (
        "lingnan_window",
        "lingnan_gather",
        "lingnan_mac",
        "lingnan_rescale",
        "lingnan_adders",
        "lingnan_multiply",
        "lingnan_short_multiply",
    ),
    "lingnan_max_pool": ("lingnan_window", "lingnan_gather"),
    "lingnan_space_to_depth": ("lingnan_window", "lingnan_gather"),
    "lingnan_global_pool": ("lingnan_rescale", "lingnan_multiply", "lingnan_short_multiply"),
}
ALWAYS = (
    "lingnan_fifo", "lingnan_deep_fifo", "lingnan_outbox", "lingnan_fork", "lingnan_frame"
)  # fmt: skip


def sources(design: Design) -> dict[str, str]:
    """Text by file name; Verilog ends in .v, tables in .hex."""
    needed = set(ALWAYS)
    files: dict[str, str] = {}
    for stage in design.stages:
        needed |= {stage.module, *NEEDS.get(stage.module, ())}
        files |= stage.tables
    rtl = resources.files("edge_deploy.fpga").joinpath("rtl")
    for name in sorted(needed):
        files[f"{name}.v"] = rtl.joinpath(f"{name}.v").read_text("utf-8")
    files[f"{module_name(design)}.v"] = top(design)
    return files
