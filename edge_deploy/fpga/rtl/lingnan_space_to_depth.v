// Blocks of BLOCK x BLOCK pixels to channels: (block pixel, channel), or with CHANNEL_OUTER
// (channel, block pixel) as a pixel unshuffle has it.
module lingnan_space_to_depth #(
    parameter CHANNELS = 1,
    parameter HEIGHT = 4,
    parameter WIDTH = 4,
    parameter BLOCK = 2,
    parameter CHANNEL_OUTER = 0,
    parameter CAPACITY = 16
) (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] in_data,
    input  wire       in_valid,
    output wire       in_ready,
    output wire [7:0] out_data,
    output wire       out_valid,
    input  wire       out_ready
);
    wire at_last, step, tap_valid, tap_first, tap_last, tap_pad, tap_soon, room;
    wire [7:0] tap_data;

    lingnan_window #(
        .CHANNELS(CHANNELS), .LANES(1), .HEIGHT(HEIGHT), .WIDTH(WIDTH),
        .KERNEL_ROWS(BLOCK), .KERNEL_COLUMNS(BLOCK),
        .STRIDE_DOWN(BLOCK), .STRIDE_RIGHT(BLOCK), .PAD_TOP(0), .PAD_LEFT(0),
        .OUT_ROWS(HEIGHT / BLOCK), .OUT_COLUMNS(WIDTH / BLOCK),
        .REPEAT(1), .CHANNEL_OUTER(CHANNEL_OUTER), .EVERY_TAP(1), .CAPACITY(CAPACITY)
    ) window (
        .clk(clk), .rst(rst),
        .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
        .at_last(at_last), .go(room), .step(step), .tap_soon(tap_soon),
        .tap_valid(tap_valid), .tap_first(tap_first), .tap_last(tap_last),
        .tap_pad(tap_pad), .tap_data(tap_data)
    );

    lingnan_outbox #(.CLAIM(1), .DEPTH(16)) outbox (
        .clk(clk), .rst(rst), .room(room), .claim(step),
        .in_data(tap_data), .in_valid(tap_valid),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
    wire unused = &{1'b0, tap_first, tap_last, tap_pad, tap_soon, at_last};
endmodule
