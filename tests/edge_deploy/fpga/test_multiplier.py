"""The multiplier as ECP5's primitive beside the one that other tools see, cycle by cycle."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.fpga import synthesis, tools
from edge_deploy.fpga.device import Resources

reason = tools.missing("verilator", "yosys")
pytestmark = [pytest.mark.edge, pytest.mark.skipif(reason is not None, reason=str(reason))]
RTL = resources.files("edge_deploy.fpga").joinpath("rtl", "lingnan_multiply.v")

BENCH = """
module bench;
    reg clk = 0;
    always #1 clk = !clk;
    reg signed [17:0] a = 0, b = 0;
    wire signed [35:0] wide, wide_ecp5;
    wire signed [16:0] narrow, narrow_ecp5;
    lingnan_multiply #(18, 18) one (clk, a, b, wide);
    lingnan_multiply_ecp5 #(18, 18) two (clk, a, b, wide_ecp5);
    lingnan_multiply #(9, 8) three (clk, a[8:0], b[7:0], narrow);
    lingnan_multiply_ecp5 #(9, 8) four (clk, a[8:0], b[7:0], narrow_ecp5);
    integer at;
    initial begin
        for (at = 0; at < 2000; at = at + 1) begin
            @(negedge clk);
            if (at > 3 && (wide !== wide_ecp5 || narrow !== narrow_ecp5)) $fatal(1, "differs");
            a = at % 5 == 0 ? 18'h20000 : $random;
            b = at % 7 == 0 ? 18'h20000 : $random;
        end
        $finish;
    end
endmodule
"""


def bench(folder: Path, primitive: str) -> None:
    """Run both side by side. EdgeError where they differ."""
    text = RTL.read_text()
    assert text.count("`ifdef ECP5") == 1
    renamed = text.replace("lingnan_multiply", "lingnan_multiply_ecp5")
    files = {
        "multiply.v": text,
        "ecp5.v": renamed.replace("`ifdef ECP5", "`ifndef ELSEWHERE"),
        "primitive.v": primitive,
        "bench.v": BENCH,
    }
    for name, source in files.items():
        (folder / name).write_text(source)
    tools.run(["verilator", "--binary", "-Wno-fatal", "--top-module", "bench", *files], folder)
    tools.run(["./obj_dir/Vbench"], folder)


def test_the_primitive_multiplies_in_as_many_clocks(tmp_path: Path) -> None:
    bench(tmp_path, Path(__file__).with_name("multiplier.v").read_text())


def test_a_clock_less_is_seen(tmp_path: Path) -> None:
    primitive = Path(__file__).with_name("multiplier.v").read_text()
    wrong = primitive.replace('REG_PIPELINE_CLK == "CLK0"', 'REG_PIPELINE_CLK == "CLK1"')
    assert wrong != primitive
    with pytest.raises(EdgeError):
        bench(tmp_path, wrong)


@pytest.mark.parametrize(("family", "registers"), [("ecp5", "TRELLIS_FF"), ("xilinx", "FDRE")])
def test_its_registers_are_the_primitive_s(tmp_path: Path, family: str, registers: str) -> None:
    (tmp_path / "lingnan_multiply.v").write_text(RTL.read_text())
    used = synthesis.synthesise(tmp_path, "lingnan_multiply", family)
    assert used == Resources(1, 0, 0)
    assert registers not in (tmp_path / f"stat_{family}.txt").read_text()
