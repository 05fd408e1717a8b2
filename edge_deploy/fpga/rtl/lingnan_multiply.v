// a * b three clocks later: registers before, inside and behind the multiplier.
//
// With ECP5 defined it is that device's primitive, in which those registers are; yosys would leave
// them outside. Elsewhere synthesis finds them.
module lingnan_multiply #(
    parameter A_BITS = 9,
    parameter B_BITS = 8
) (
    input  wire                            clk,
    input  wire signed [A_BITS-1:0]        a,
    input  wire signed [B_BITS-1:0]        b,
    output wire signed [A_BITS+B_BITS-1:0] product
);
`ifdef ECP5
    wire signed [17:0] x = a, y = b;
    wire [35:0] p;
    assign product = p[A_BITS+B_BITS-1:0];
    MULT18X18D #(
        .REG_INPUTA_CLK("CLK0"), .REG_INPUTB_CLK("CLK0"),
        .REG_PIPELINE_CLK("CLK0"), .REG_OUTPUT_CLK("CLK0")
    ) multiplier (
        .CLK0(clk), .CE0(1'b1), .RST0(1'b0),
        .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0),
        .A0(x[0]), .A1(x[1]), .A2(x[2]), .A3(x[3]), .A4(x[4]), .A5(x[5]),
        .A6(x[6]), .A7(x[7]), .A8(x[8]), .A9(x[9]), .A10(x[10]), .A11(x[11]),
        .A12(x[12]), .A13(x[13]), .A14(x[14]), .A15(x[15]), .A16(x[16]), .A17(x[17]),
        .B0(y[0]), .B1(y[1]), .B2(y[2]), .B3(y[3]), .B4(y[4]), .B5(y[5]),
        .B6(y[6]), .B7(y[7]), .B8(y[8]), .B9(y[9]), .B10(y[10]), .B11(y[11]),
        .B12(y[12]), .B13(y[13]), .B14(y[14]), .B15(y[15]), .B16(y[16]), .B17(y[17]),
        .P0(p[0]), .P1(p[1]), .P2(p[2]), .P3(p[3]), .P4(p[4]), .P5(p[5]),
        .P6(p[6]), .P7(p[7]), .P8(p[8]), .P9(p[9]), .P10(p[10]), .P11(p[11]),
        .P12(p[12]), .P13(p[13]), .P14(p[14]), .P15(p[15]), .P16(p[16]), .P17(p[17]),
        .P18(p[18]), .P19(p[19]), .P20(p[20]), .P21(p[21]), .P22(p[22]), .P23(p[23]),
        .P24(p[24]), .P25(p[25]), .P26(p[26]), .P27(p[27]), .P28(p[28]), .P29(p[29]),
        .P30(p[30]), .P31(p[31]), .P32(p[32]), .P33(p[33]), .P34(p[34]), .P35(p[35])
    );
`else
    reg signed [A_BITS-1:0] x;
    reg signed [B_BITS-1:0] y;
    reg signed [A_BITS+B_BITS-1:0] halfway, behind;
    assign product = behind;
    always @(posedge clk) begin
        x <= a;
        y <= b;
        halfway <= x * y;
        behind <= halfway;
    end
`endif
endmodule
