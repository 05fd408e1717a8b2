// Sums to bytes: clamp((sum * multiplier + offset) >> SHIFT, 0, 255), one a cycle.
//
// A row of the table, for each channel in turn: EXCEPTIONS of {listed, sum}, multiplier. Where the
// sum is a listed one, the result is 1 greater: there float32 rounds up alone. Offsets are a table
// of their own, read when the products are there.
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
            if (valid[3]) summed <= summed == END[BITS-1:0] ? {BITS{1'b0}} : summed + 1'b1;
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

    // sum = high * 2^17 + low, and so the multiplier: what holds 17 bits of the sum is multiplied, the
    // few bits above are added up. Each product is held once more, half-way to where it is added.
    localparam HIGH = SUM_BITS - PIECE;
    localparam ABOVE = MULTIPLIER_BITS > PIECE ? MULTIPLIER_BITS - PIECE : 0;
    wire signed [PIECE:0] low = {1'b0, sum[PIECE-1:0]};
    wire [2*PIECE-1:0] long_multiplier = {{(2*PIECE - MULTIPLIER_BITS){1'b0}}, multiplier};
    wire signed [2*PIECE+1:0] low_low, low_above;
    wire signed [HIGH+MULTIPLIER_BITS-1:0] high_all;
    lingnan_multiply #(.A_BITS(PIECE + 1), .B_BITS(PIECE + 1)) multiply (
        .clk(clk), .a(low), .b({1'b0, long_multiplier[PIECE-1:0]}), .product(low_low)
    );
    generate
        if (ABOVE != 0) begin : long
            lingnan_multiply #(.A_BITS(PIECE + 1), .B_BITS(PIECE + 1)) multiply (
                .clk(clk), .a(low), .b({1'b0, long_multiplier[2*PIECE-1:PIECE]}),
                .product(low_above)
            );
        end else begin : short
            assign low_above = 0;
        end
    endgenerate
    generate
        if (HIGH <= 8) begin : few
            lingnan_short_multiply #(.A_BITS(HIGH), .B_BITS(MULTIPLIER_BITS)) multiply (
                .clk(clk), .a(sum[SUM_BITS-1:PIECE]), .b(multiplier), .product(high_all)
            );
        end else begin : many
            wire signed [HIGH+PIECE:0] high_low, high_above;
            lingnan_multiply #(.A_BITS(HIGH), .B_BITS(PIECE + 1))
                multiply0 (
                    .clk(clk), .a(sum[SUM_BITS-1:PIECE]),
                    .b({1'b0, long_multiplier[PIECE-1:0]}), .product(high_low)
                ),
                multiply1 (
                    .clk(clk), .a(sum[SUM_BITS-1:PIECE]),
                    .b({1'b0, long_multiplier[2*PIECE-1:PIECE]}), .product(high_above)
                );
            /* verilator lint_off WIDTH */ // as wide as a product of both
            assign high_all = high_low + $signed({high_above, {PIECE{1'b0}}});
            /* verilator lint_on WIDTH */
        end
    endgenerate

    localparam INNER = TOTAL_BITS - PIECE;
    reg signed [2*PIECE+1:0] part0, part1;
    reg signed [HIGH+MULTIPLIER_BITS-1:0] part2;
    reg signed [TOTAL_BITS-1:0] outer, total;
    reg signed [INNER-1:0] inner;
    /* verilator lint_off WIDTH */ // the total's width is proven to hold what can occur
    always @(posedge clk) begin
        part0 <= low_low;
        part1 <= low_above;
        part2 <= high_all;
        outer <= part0 + $signed(offset);
        inner <= part1 + part2;
        total <= outer + $signed({inner, {PIECE{1'b0}}});
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
    wire unused = &{1'b0, total[SHIFT-1:0], long_multiplier[2*PIECE-1:PIECE]};
endmodule
