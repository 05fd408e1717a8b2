"""FIFOs of one and of several memories: nothing is lost, doubled or changed in its order."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from edge_deploy.fpga import tools

reason = tools.missing("verilator")
pytestmark = [pytest.mark.edge, pytest.mark.skipif(reason is not None, reason=str(reason))]

BENCH = """
module bench;
    reg clk = 0, rst = 1, offers = 0, takes = 0;
    always #10 clk = !clk;
    wire ready, valid;
    wire [15:0] found;
    reg [15:0] next = 0, wanted = 0;
    integer at, phase, most = 0, stalls = 0;
    DUT #(.WIDTH(16), .DEPTH(11) MORE) dut (
        .clk(clk), .rst(rst), .in_data(next), .in_valid(offers), .in_ready(ready),
        .out_data(found), .out_valid(valid), .out_ready(takes)
    );
    initial begin
        repeat (3) @(negedge clk);
        rst = 0;
        for (at = 0; at < 20000; at = at + 1) begin
            // filled, emptied, then both at random and both always
            phase = at / 100 % 4;
            offers = phase == 2 ? $random : phase != 1;
            takes = phase == 2 ? $random : phase != 0;
            #2;
            if (at % 400 > 360 && !(ready && valid)) stalls = stalls + 1;
            if (valid && takes && found !== wanted) $fatal(1, "another word");
            if (at % 400 == 199 && (valid || next !== wanted)) $fatal(1, "a word is left behind");
            @(posedge clk);
            #1;
            if (offers && ready_was) next = next + 1;
            if (takes && valid_was) wanted = wanted + 1;
            if (next - wanted > most) most = next - wanted;
            @(negedge clk);
        end
        if (most < 11) $fatal(1, "too little room");
        if (stalls) $fatal(1, "stalls where nobody waits");
        $finish;
    end
    reg ready_was, valid_was;
    always @(posedge clk) {ready_was, valid_was} <= {ready, valid};
endmodule
"""


@pytest.mark.parametrize(
    ("module", "more"),
    [("lingnan_fifo", ""), ("lingnan_deep_fifo", ", .MEMORY(4)"), ("lingnan_deep_fifo", "")],
)
def test_words_come_out_as_they_went_in(tmp_path: Path, module: str, more: str) -> None:
    rtl = resources.files("edge_deploy.fpga").joinpath("rtl")
    files = {
        f"{name}.v": rtl.joinpath(f"{name}.v").read_text("utf-8")
        for name in ("lingnan_fifo", "lingnan_deep_fifo")
    }
    files["bench.v"] = BENCH.replace("DUT", module).replace(" MORE", more)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    tools.run(["verilator", "--binary", "-Wno-fatal", "--top-module", "bench", *files], tmp_path)
    tools.run(["./obj_dir/Vbench"], tmp_path)
