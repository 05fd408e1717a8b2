// Bytes of a pixel to words of LANES channels, the first channel in the lowest byte.
module lingnan_gather #(
    parameter LANES = 1,
    parameter WORDS = 1
) (
    input  wire               clk,
    input  wire               rst,
    input  wire               put,
    input  wire [7:0]         data,
    output wire [8*LANES-1:0] word,
    output wire               word_end,   // `word` is whole in this cycle
    output wire               pixel_end
);
    localparam LANE_BITS = LANES > 1 ? $clog2(LANES) : 1;
    localparam WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam [31:0] LANE_END = LANES - 1;
    localparam [31:0] WORD_END = WORDS - 1;

    reg [LANE_BITS-1:0] lane;
    reg [WORD_BITS-1:0] at;
    assign word_end = put && lane == LANE_END[LANE_BITS-1:0];
    assign pixel_end = word_end && at == WORD_END[WORD_BITS-1:0];

    always @(posedge clk)
        if (rst) begin
            lane <= 0;
            at <= 0;
        end else begin
            if (put) lane <= word_end ? {LANE_BITS{1'b0}} : lane + 1'b1;
            if (word_end) at <= pixel_end ? {WORD_BITS{1'b0}} : at + 1'b1;
        end

    generate
        if (LANES == 1) begin : single
            assign word = data;
        end else begin : several
            reg [8*LANES-9:0] held;
            wire [8*LANES-1:0] shifted = {data, held};
            always @(posedge clk)
                if (put) held <= shifted[8*LANES-1:8];
            assign word = shifted;
        end
    endgenerate
endmodule
