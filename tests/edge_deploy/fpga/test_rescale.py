"""The rescaling's Verilog alone, for sums and multipliers of every width, beside exact integers."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from edge_deploy.fpga import tools
from edge_deploy.fpga.rom import packed

reason = tools.missing("verilator")
pytestmark = [pytest.mark.edge, pytest.mark.skipif(reason is not None, reason=str(reason))]
NEEDED = ("lingnan_rescale", "lingnan_multiply", "lingnan_short_multiply")
CHANNELS, COUNT = 5, 1000


@dataclass(frozen=True)
class Case:
    """Random channels of a layer: multipliers as wide as said, outputs of every value."""

    sum_bits: int
    multiplier_bits: int
    exceptions: int

    @property
    def shift(self) -> int:
        return self.sum_bits + self.multiplier_bits - 11

    @property
    def total_bits(self) -> int:
        return self.sum_bits + self.multiplier_bits + 2

    def made(self, seed: int) -> tuple[list[int], list[int], list[list[int]], list[int]]:
        """Multipliers, offsets, listed sums by channel, and sums one after the other."""
        rng = np.random.default_rng(seed)
        most = 1 << self.multiplier_bits
        multipliers = [most - 1, *map(int, rng.integers(most // 2, most, CHANNELS - 1))]
        offsets = [int(value) << self.shift for value in rng.integers(-50, 250, CHANNELS)]
        low, high = -(1 << self.sum_bits - 1), (1 << self.sum_bits - 1) - 1
        sums = [low, high, -1, 0, 1, *map(int, rng.integers(low, high, COUNT - 5))]
        for at in range(5, COUNT, 2):
            sums[at] >>= 2
        listed = [sums[at :: 2 * CHANNELS][: self.exceptions] for at in range(CHANNELS)]
        return multipliers, offsets, listed, sums

    def wanted(self, seed: int) -> list[int]:
        """clamp((sum * multiplier + offset) >> shift, 1 greater where listed)."""
        multipliers, offsets, listed, sums = self.made(seed)
        values = []
        for at, sum_ in enumerate(sums):
            channel = at % CHANNELS
            value = (sum_ * multipliers[channel] + offsets[channel]) >> self.shift
            values.append(min(max(value + (sum_ in listed[channel]), 0), 255))
        return values

    def files(self, name: str, seed: int) -> dict[str, str]:
        """The module's tables and the sums."""
        multipliers, offsets, listed, sums = self.made(seed)
        fields = [(np.array(multipliers, object), self.multiplier_bits)]
        for column in zip(*listed, strict=True):
            flagged = [(1 << self.sum_bits) + value % (1 << self.sum_bits) for value in column]
            fields.append((np.array(flagged, object), self.sum_bits + 1))
        return {
            f"{name}_table.hex": packed(fields),
            f"{name}_offsets.hex": packed([(np.array(offsets, object), self.total_bits)]),
            f"{name}_sums.hex": packed([(np.array(sums, object), self.sum_bits)]),
        }

    def bench(self, name: str) -> str:
        """An instance that takes its sums with gaps and prints what it makes of them."""
        return f"""
    reg [{self.sum_bits - 1}:0] {name}_sums [0:{COUNT - 1}];
    initial $readmemh("{name}_sums.hex", {name}_sums);
    wire {name}_valid;
    wire [7:0] {name}_data;
    lingnan_rescale #(
        .CHANNELS({CHANNELS}), .SUM_BITS({self.sum_bits}), .SHIFT({self.shift}),
        .MULTIPLIER_BITS({self.multiplier_bits}), .TOTAL_BITS({self.total_bits}),
        .EXCEPTIONS({self.exceptions}), .FILE("{name}_table.hex"), .OFFSETS("{name}_offsets.hex")
    ) {name} (
        .clk(clk), .rst(rst), .in_valid(offered), .in_data({name}_sums[at]),
        .out_valid({name}_valid), .out_data({name}_data)
    );
    always @(posedge clk) if ({name}_valid) $display("{name} %0d", {name}_data);
"""


CASES = {
    "one_product": Case(20, 17, 0),
    "common": Case(21, 24, 0),
    "listed": Case(23, 31, 2),
    "eight_bits_above": Case(25, 34, 1),
    "wide": Case(30, 31, 0),
    "widest": Case(34, 34, 0),
}


def test_rescaled_sums_are_the_exact_integers(tmp_path: Path) -> None:
    rtl = resources.files("edge_deploy.fpga").joinpath("rtl")
    for module in NEEDED:
        (tmp_path / f"{module}.v").write_text(rtl.joinpath(f"{module}.v").read_text())
    for name, case in CASES.items():
        for file, text in case.files(name, seed=len(name)).items():
            (tmp_path / file).write_text(text)
    body = "".join(case.bench(name) for name, case in CASES.items())
    (tmp_path / "bench.v").write_text(_bench(body))
    command = ["verilator", "--binary", "-Wno-fatal", "--top-module", "bench", "bench.v"]
    tools.run([*command, *(f"{module}.v" for module in NEEDED)], tmp_path)
    lines = [line.split() for line in tools.run(["./obj_dir/Vbench"], tmp_path).splitlines()]
    for name, case in CASES.items():
        wanted = case.wanted(seed=len(name))
        assert len(set(wanted)) > 100
        assert [int(line[1]) for line in lines if line[0] == name] == wanted


def _bench(body: str) -> str:
    return f"""
module bench;
    reg clk = 0, rst = 1, offered = 0;
    always #1 clk = !clk;
    integer at = 0, cycle;
{body}
    initial begin
        for (cycle = 0; at < {COUNT}; cycle = cycle + 1) begin
            @(negedge clk);
            rst = cycle < 4;
            if (offered) at = at + 1;
            offered = cycle > 8 && cycle % 7 != 3 && at < {COUNT};
        end
        for (cycle = 0; cycle < 40; cycle = cycle + 1) @(negedge clk);
        $finish;
    end
endmodule
"""
