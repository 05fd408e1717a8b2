"""Weights in several banks: the right one is read, and none is chosen by a multiplier."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.fpga import cosim, stages, synthesis, tools
from edge_deploy.fpga.design import design
from edge_deploy.fpga.device import ECP5
from edge_deploy.reference.run import run
from tests.edge_deploy.cases import CASES
from tests.edge_deploy.qdq import graph_of, inputs_for

pytestmark = pytest.mark.edge

FILTERS, WORDS, BANK = 3, 20, 8
MODULES = ("lingnan_mac", "lingnan_multiply", "lingnan_adders")
TOP = f"""
module lingnan_top (
    input wire clk, rst, soon, valid, first, last, pad,
    input wire [7:0] tap,
    output wire out_valid,
    output wire signed [23:0] out
);
    lingnan_mac #(
        .FILTERS({FILTERS}), .WORDS({WORDS}), .BANK({BANK}), .FILE("weights")
    ) mac (
        .clk(clk), .rst(rst), .tap_soon(soon), .tap_valid(valid), .tap_first(first),
        .tap_last(last), .tap_pad(pad), .tap_data(tap), .out_valid(out_valid), .out_data(out)
    );
endmodule
"""


@pytest.mark.skipif(tools.missing("verilator") is not None, reason=str(tools.missing("verilator")))
def test_every_bank_gives_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "bank_words", lambda width_bytes: 4)
    made = design(graph_of(CASES["conv 3x3 of 3 channels"]()), ECP5["85k"])
    (stage,) = made.counted
    assert stage.fold is not None
    assert stage.fold.multipliers & (stage.fold.multipliers - 1), "no power of two"
    assert sum("_weights_" in name for name in stage.tables) == 3
    inputs = inputs_for(made.graph, 3)
    found = cosim.compile_design(made, tmp_path).run(inputs)
    for name, wanted in run(made.graph, inputs).items():
        assert len(np.unique(wanted)) > 20
        assert np.array_equal(found.outputs[name], wanted)


@pytest.mark.skipif(tools.missing("yosys") is not None, reason=str(tools.missing("yosys")))
def test_choosing_a_bank_takes_no_multiplier(tmp_path: Path) -> None:
    rtl = resources.files("edge_deploy.fpga").joinpath("rtl")
    for name in MODULES:
        (tmp_path / f"{name}.v").write_text(rtl.joinpath(f"{name}.v").read_text("utf-8"))
    (tmp_path / "lingnan_top.v").write_text(TOP)
    rng = np.random.default_rng(1)
    for at in range(0, WORDS, BANK):
        rows = rng.integers(0, 256, (min(BANK, WORDS - at), FILTERS), np.uint8)
        text = "\n".join(row.tobytes().hex() for row in rows)
        (tmp_path / f"weights_{at // BANK:03}.hex").write_text(text)
    assert synthesis.synthesise(tmp_path, "lingnan_top").dsp == FILTERS
