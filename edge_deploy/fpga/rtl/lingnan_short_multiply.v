// a * b three clocks later as `lingnan_multiply`, by adders: for a signed `a` of eight bits at most.
//
// Each bit of `a` stands for b or nothing, its sign for -b; they are summed in pairs, a level a clock.
module lingnan_short_multiply #(
    parameter A_BITS = 4,
    parameter B_BITS = 31
) (
    input  wire                            clk,
    input  wire signed [A_BITS-1:0]        a,
    input  wire        [B_BITS-1:0]        b,
    output wire signed [A_BITS+B_BITS-1:0] product
);
    localparam WIDE = A_BITS + B_BITS;
    localparam SIGN = A_BITS - 1;
    wire [7:0] bits = {{(8 - A_BITS){1'b0}}, a};
    wire [WIDE-1:0] once = {{A_BITS{1'b0}}, b}, none = 0;

    reg [WIDE-1:0] whole, quads [0:1], pairs [0:3];
    genvar k;
    generate
        for (k = 0; k < 4; k = k + 1) begin : pair
            wire [WIDE-1:0] even = bits[2*k] ? once << (2*k) : none;
            wire [WIDE-1:0] odd = bits[2*k + 1] ? once << (2*k + 1) : none;
            always @(posedge clk)
                pairs[k] <= SIGN == 2*k ? none - even : SIGN == 2*k + 1 ? even - odd : even + odd;
        end
    endgenerate
    always @(posedge clk) begin
        quads[0] <= pairs[0] + pairs[1];
        quads[1] <= pairs[2] + pairs[3];
        whole <= quads[0] + quads[1];
    end
    assign product = whole;
endmodule
