// Sums to bytes: clamp((sum * multiplier + offset) >> SHIFT, 0, 255), one a cycle.
//
// A row of the table, for each channel in turn: EXCEPTIONS of {listed, sum}, multiplier. Where the
// sum is a listed one, the result is 1 greater: there float32 rounds up alone. Offsets are a table
// of their own, read when the product is there.
module lingnan_rescale #(
    parameter CHANNELS = 1,
    parameter SUM_BITS = 24,
    parameter MULTIPLIER_BITS = 31,
    parameter TOTAL_BITS = 56,
    parameter SHIFT = 37,
    parameter EXCEPTIONS = 0,
    parameter FILE = "",
    parameter OFFSETS = ""
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire                       in_valid,
    input  wire signed [SUM_BITS-1:0] in_data,
    output reg                        out_valid,
    output reg  [7:0]                 out_data
);
    localparam BITS = CHANNELS > 1 ? $clog2(CHANNELS) : 1;
    localparam [31:0] END = CHANNELS - 1;
    localparam LISTED = EXCEPTIONS * (SUM_BITS + 1);
    localparam ROW = LISTED + MULTIPLIER_BITS;
    localparam PIECE = 17;  // bits of a factor that one 18 x 18 multiplier takes besides the sign

    reg [ROW-1:0] rows [0:CHANNELS-1];
    reg [TOTAL_BITS-1:0] offsets [0:CHANNELS-1];
    initial begin
        $readmemh(FILE, rows);
        $readmemh(OFFSETS, offsets);
    end

    reg [7:0] valid;
    reg [BITS-1:0] channel, summed;
    reg [ROW-1:0] row;
    reg [TOTAL_BITS-1:0] offset;
    reg signed [SUM_BITS-1:0] sum;
    always @(posedge clk)
        if (rst) begin
            valid <= 0;
            channel <= 0;
            summed <= 0;
        end else begin
            valid <= {valid[6:0], in_valid};
            if (in_valid) channel <= channel == END[BITS-1:0] ? {BITS{1'b0}} : channel + 1'b1;
            if (valid[4]) summed <= summed == END[BITS-1:0] ? {BITS{1'b0}} : summed + 1'b1;
        end
    always @(posedge clk) begin
        row <= rows[channel];
        offset <= offsets[summed];
        sum <= in_data;
    end

    wire [MULTIPLIER_BITS-1:0] multiplier = row[0 +: MULTIPLIER_BITS];
    reg [EXCEPTIONS:0] hits;
    always @(posedge clk) hits[EXCEPTIONS] <= 1'b0;
    genvar e;
    generate
        for (e = 0; e < EXCEPTIONS; e = e + 1) begin : exception
            wire [SUM_BITS:0] entry = row[MULTIPLIER_BITS + e*(SUM_BITS + 1) +: SUM_BITS + 1];
            always @(posedge clk) hits[e] <= entry == {1'b1, sum};
        end
    endgenerate

    // sum = sum_high * 2^17 + sum_low and so for the multiplier: four small products.
    wire signed [2*PIECE-1:0] long_sum = {{(2*PIECE - SUM_BITS){sum[SUM_BITS-1]}}, sum};
    wire [2*PIECE-1:0] long_multiplier = {{(2*PIECE - MULTIPLIER_BITS){1'b0}}, multiplier};
    wire signed [PIECE:0] a_low = {1'b0, long_sum[PIECE-1:0]};
    wire signed [PIECE:0] a_high = {long_sum[2*PIECE-1], long_sum[2*PIECE-1:PIECE]};
    wire signed [PIECE:0] m_low = {1'b0, long_multiplier[PIECE-1:0]};
    wire signed [PIECE:0] m_high = {1'b0, long_multiplier[2*PIECE-1:PIECE]};
    wire signed [2*PIECE+1:0] low_low, low_high, high_low, high_high;
    lingnan_multiply #(.A_BITS(PIECE + 1), .B_BITS(PIECE + 1))
        multiply0 (.clk(clk), .a(a_low), .b(m_low), .product(low_low)),
        multiply1 (.clk(clk), .a(a_low), .b(m_high), .product(low_high)),
        multiply2 (.clk(clk), .a(a_high), .b(m_low), .product(high_low)),
        multiply3 (.clk(clk), .a(a_high), .b(m_high), .product(high_high));
    localparam HALF = 4*PIECE + 2;
    wire signed [HALF-1:0] part0 = {{(2*PIECE){low_low[2*PIECE+1]}}, low_low};
    wire signed [HALF-1:0] part1 = {{(2*PIECE){low_high[2*PIECE+1]}}, low_high};
    wire signed [HALF-1:0] part2 = {{(2*PIECE){high_low[2*PIECE+1]}}, high_low};
    wire signed [HALF-1:0] part3 = {{(2*PIECE){high_high[2*PIECE+1]}}, high_high};

    reg signed [TOTAL_BITS-1:0] outer, inner, product, total;
    /* verilator lint_off WIDTH */ // the total's width is proven to hold what can occur
    always @(posedge clk) begin
        outer <= part0 + (part3 << (2*PIECE));
        inner <= (part1 + part2) << PIECE;
        product <= outer + inner;
        total <= product + offset;
    end
    /* verilator lint_on WIDTH */

    localparam TOP = TOTAL_BITS - SHIFT;
    reg [4:0] hit;
    wire signed [TOP-1:0] shifted = total[TOTAL_BITS-1:SHIFT];
    reg signed [TOP-1:0] value;
    wire over = |value[TOP-2:8];
    always @(posedge clk) begin
        hit <= {hit[3:0], |hits};
        value <= shifted + {{(TOP - 1){1'b0}}, hit[4]};
        out_data <= value[TOP-1] ? 8'd0 : over ? 8'd255 : value[7:0];
        out_valid <= !rst && valid[7];
    end
    wire unused = &{1'b0, total[SHIFT-1:0]};
endmodule
