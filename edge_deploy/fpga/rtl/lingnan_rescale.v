// Sums to bytes: clamp((sum * multiplier + offset) >> SHIFT, 0, 255), one a cycle.
//
// A row of the table, for each channel in turn: EXCEPTIONS of {listed, sum}, multiplier, offset.
// Where the sum is a listed one, the result is 1 greater: there float32 rounds up alone.
module lingnan_rescale #(
    parameter CHANNELS = 1,
    parameter SUM_BITS = 24,
    parameter MULTIPLIER_BITS = 31,
    parameter TOTAL_BITS = 56,
    parameter SHIFT = 37,
    parameter EXCEPTIONS = 0,
    parameter FILE = ""
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
    localparam ROW = LISTED + MULTIPLIER_BITS + TOTAL_BITS;
    localparam PIECE = 17;  // bits of a factor that one 18 x 18 multiplier takes besides the sign

    reg [ROW-1:0] rows [0:CHANNELS-1];
    initial $readmemh(FILE, rows);

    reg [BITS-1:0] channel;
    reg [ROW-1:0] row;
    reg signed [SUM_BITS-1:0] sum;
    always @(posedge clk)
        if (rst) channel <= 0;
        else if (in_valid) channel <= channel == END[BITS-1:0] ? {BITS{1'b0}} : channel + 1'b1;
    always @(posedge clk) begin
        row <= rows[channel];
        sum <= in_data;
    end

    wire [MULTIPLIER_BITS-1:0] multiplier = row[TOTAL_BITS +: MULTIPLIER_BITS];
    wire [EXCEPTIONS:0] hits;
    assign hits[EXCEPTIONS] = 1'b0;
    genvar e;
    generate
        for (e = 0; e < EXCEPTIONS; e = e + 1) begin : exception
            wire [SUM_BITS:0] entry =
                row[TOTAL_BITS + MULTIPLIER_BITS + e*(SUM_BITS + 1) +: SUM_BITS + 1];
            assign hits[e] = entry == {1'b1, sum};
        end
    endgenerate

    // sum = sum_high * 2^17 + sum_low and so for the multiplier: four small products.
    wire signed [2*PIECE-1:0] long_sum = {{(2*PIECE - SUM_BITS){sum[SUM_BITS-1]}}, sum};
    wire [2*PIECE-1:0] long_multiplier = {{(2*PIECE - MULTIPLIER_BITS){1'b0}}, multiplier};
    reg signed [PIECE:0] a_low, a_high, m_low, m_high;
    reg signed [2*PIECE+1:0] low_low, low_high, high_low, high_high;
    localparam HALF = 4*PIECE + 2;
    wire signed [HALF-1:0] part0 = {{(2*PIECE){low_low[2*PIECE+1]}}, low_low};
    wire signed [HALF-1:0] part1 = {{(2*PIECE){low_high[2*PIECE+1]}}, low_high};
    wire signed [HALF-1:0] part2 = {{(2*PIECE){high_low[2*PIECE+1]}}, high_low};
    wire signed [HALF-1:0] part3 = {{(2*PIECE){high_high[2*PIECE+1]}}, high_high};

    reg signed [TOTAL_BITS-1:0] outer, inner, product, total;
    reg [TOTAL_BITS-1:0] offset0, offset1, offset2, offset3;
    /* verilator lint_off WIDTH */ // the total's width is proven to hold what can occur
    always @(posedge clk) begin
        a_low <= {1'b0, long_sum[PIECE-1:0]};
        a_high <= {long_sum[2*PIECE-1], long_sum[2*PIECE-1:PIECE]};
        m_low <= {1'b0, long_multiplier[PIECE-1:0]};
        m_high <= {1'b0, long_multiplier[2*PIECE-1:PIECE]};
        low_low <= a_low * m_low;
        low_high <= a_low * m_high;
        high_low <= a_high * m_low;
        high_high <= a_high * m_high;
        outer <= part0 + (part3 << (2*PIECE));
        inner <= (part1 + part2) << PIECE;
        product <= outer + inner;
        total <= product + offset3;
    end
    /* verilator lint_on WIDTH */

    reg [6:0] valid;
    reg [4:0] hit;
    always @(posedge clk)
        if (rst) valid <= 0;
        else valid <= {valid[5:0], in_valid};
    always @(posedge clk) begin
        hit <= {hit[3:0], |hits};
        offset0 <= row[TOTAL_BITS-1:0];
        offset1 <= offset0;
        offset2 <= offset1;
        offset3 <= offset2;
    end

    localparam TOP = TOTAL_BITS - SHIFT;
    wire signed [TOP-1:0] shifted = total[TOTAL_BITS-1:SHIFT];
    wire signed [TOP-1:0] value = shifted + {{(TOP - 1){1'b0}}, hit[4]};
    wire over = |value[TOP-2:8];
    always @(posedge clk) begin
        out_data <= value[TOP-1] ? 8'd0 : over ? 8'd255 : value[7:0];
        out_valid <= !rst && valid[5];
    end
    wire unused = &{1'b0, valid[6], total[SHIFT-1:0]};
endmodule
