// Bytes of a pixel to words of LANES channels, the first channel in the lowest byte, a clock later:
// whether a byte comes is known late, and a word goes far.
module lingnan_gather #(
    parameter LANES = 1,
    parameter WORDS = 1
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               put,
    input  wire [7:0]         data,
    output reg  [8*LANES-1:0] word,
    output reg                word_end,   // `word` is whole in this cycle
    output reg                pixel_end   // and its pixel's last
);
    localparam LANE_BITS = LANES > 1 ? $clog2(LANES) : 1;
    localparam WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam [31:0] LANE_END = LANES - 1;
    localparam [31:0] WORD_END = WORDS - 1;

    reg [LANE_BITS-1:0] lane;
    reg [WORD_BITS-1:0] at;
    wire whole = put && lane == LANE_END[LANE_BITS-1:0];
    wire last = whole && at == WORD_END[WORD_BITS-1:0];

    always @(posedge clk)
        if (rst) begin
            lane <= 0;
            at <= 0;
            word_end <= 1'b0;
            pixel_end <= 1'b0;
        end else begin
            if (put) lane <= whole ? {LANE_BITS{1'b0}} : lane + 1'b1;
            if (whole) at <= last ? {WORD_BITS{1'b0}} : at + 1'b1;
            word_end <= whole;
            pixel_end <= last;
        end

    generate
        if (LANES == 1) begin : single
            always @(posedge clk) if (put) word <= data;
        end else begin : several
            always @(posedge clk) if (put) word <= {data, word[8*LANES-1:8]};
        end
    endgenerate
endmodule
