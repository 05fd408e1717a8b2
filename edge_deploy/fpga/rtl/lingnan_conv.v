// A convolution, full, 1x1, fully connected (a 1x1 picture) or depthwise, with its rescaling.
//
// Each cycle TAPS input channels meet FILTERS filters; a depthwise one takes FILTERS channels.
module lingnan_conv #(
    parameter CHANNELS = 1,
    parameter OUT_CHANNELS = 1,
    parameter HEIGHT = 4,
    parameter WIDTH = 4,
    parameter KERNEL_ROWS = 3,
    parameter KERNEL_COLUMNS = 3,
    parameter STRIDE_DOWN = 1,
    parameter STRIDE_RIGHT = 1,
    parameter PAD_TOP = 1,
    parameter PAD_LEFT = 1,
    parameter OUT_ROWS = 4,
    parameter OUT_COLUMNS = 4,
    parameter DEPTHWISE = 0,
    parameter FILTERS = 1,
    parameter TAPS = 1,
    parameter CAPACITY = 16,
    parameter ZERO_POINT = 0,
    parameter SUM_BITS = 24,
    parameter MULTIPLIER_BITS = 31,
    parameter TOTAL_BITS = 56,
    parameter SHIFT = 37,
    parameter EXCEPTIONS = 0,
    parameter OUTBOX = 32,
    parameter BANK = 1024,
    parameter WEIGHTS = "",
    parameter TABLE = "",
    parameter OFFSETS = ""
) (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] in_data,
    input  wire       in_valid,
    output wire       in_ready,
    output wire [7:0] out_data,
    output wire       out_valid,
    input  wire       out_ready,
    output wire       busy
);
    localparam LANES = DEPTHWISE ? FILTERS : TAPS;
    localparam REPEAT = DEPTHWISE ? 1 : OUT_CHANNELS / FILTERS;
    localparam WORDS = KERNEL_ROWS * KERNEL_COLUMNS * (CHANNELS / LANES) * REPEAT;
    localparam GAP_BITS = $clog2(FILTERS + 1);
    localparam [31:0] GAP = FILTERS - 1;

    wire at_last, step, tap_soon, tap_valid, tap_first, tap_last, tap_pad, room, sum_valid;
    wire rescaled_valid;
    wire [8*LANES-1:0] tap_data;
    wire signed [SUM_BITS-1:0] sum;
    wire [7:0] rescaled;

    // Sums leave FILTERS in a row: the next ones may be whole when these are gone.
    reg [GAP_BITS-1:0] gap;
    reg over;  // gap == 0
    wire claim = step && at_last;
    always @(posedge clk)
        if (rst) begin
            gap <= 0;
            over <= 1'b1;
        end else if (claim) begin
            gap <= GAP[GAP_BITS-1:0];
            over <= FILTERS == 1;
        end else if (!over) begin
            gap <= gap - 1'b1;
            over <= gap == 1;
        end
    assign busy = step;

    lingnan_window #(
        .CHANNELS(CHANNELS), .LANES(LANES), .HEIGHT(HEIGHT), .WIDTH(WIDTH),
        .KERNEL_ROWS(KERNEL_ROWS), .KERNEL_COLUMNS(KERNEL_COLUMNS),
        .STRIDE_DOWN(STRIDE_DOWN), .STRIDE_RIGHT(STRIDE_RIGHT),
        .PAD_TOP(PAD_TOP), .PAD_LEFT(PAD_LEFT),
        .OUT_ROWS(OUT_ROWS), .OUT_COLUMNS(OUT_COLUMNS),
        .REPEAT(REPEAT), .CHANNEL_OUTER(DEPTHWISE), .CAPACITY(CAPACITY)
    ) window (
        .clk(clk), .rst(rst),
        .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
        .at_last(at_last), .go(room && over), .step(step), .tap_soon(tap_soon),
        .tap_valid(tap_valid), .tap_first(tap_first), .tap_last(tap_last),
        .tap_pad(tap_pad), .tap_data(tap_data)
    );

    lingnan_mac #(
        .FILTERS(FILTERS), .TAPS(DEPTHWISE ? 1 : TAPS), .SHARED(!DEPTHWISE), .LANES(LANES),
        .SUM_BITS(SUM_BITS), .ZERO_POINT(ZERO_POINT), .WORDS(WORDS), .BANK(BANK),
        .FILE(WEIGHTS)
    ) mac (
        .clk(clk), .rst(rst), .tap_soon(tap_soon), .tap_valid(tap_valid),
        .tap_first(tap_first), .tap_last(tap_last), .tap_pad(tap_pad), .tap_data(tap_data),
        .out_valid(sum_valid), .out_data(sum)
    );

    lingnan_rescale #(
        .CHANNELS(OUT_CHANNELS), .SUM_BITS(SUM_BITS), .MULTIPLIER_BITS(MULTIPLIER_BITS),
        .TOTAL_BITS(TOTAL_BITS), .SHIFT(SHIFT), .EXCEPTIONS(EXCEPTIONS), .FILE(TABLE),
        .OFFSETS(OFFSETS)
    ) rescale (
        .clk(clk), .rst(rst), .in_valid(sum_valid), .in_data(sum),
        .out_valid(rescaled_valid), .out_data(rescaled)
    );

    lingnan_outbox #(.CLAIM(FILTERS), .DEPTH(OUTBOX)) outbox (
        .clk(clk), .rst(rst), .room(room), .claim(claim),
        .in_data(rescaled), .in_valid(rescaled_valid),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule
