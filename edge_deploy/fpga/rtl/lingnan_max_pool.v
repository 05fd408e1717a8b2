// The greatest byte of each window, channel by channel; padding never wins.
module lingnan_max_pool #(
    parameter CHANNELS = 1,
    parameter HEIGHT = 4,
    parameter WIDTH = 4,
    parameter KERNEL_ROWS = 2,
    parameter KERNEL_COLUMNS = 2,
    parameter STRIDE_DOWN = 2,
    parameter STRIDE_RIGHT = 2,
    parameter PAD_TOP = 0,
    parameter PAD_LEFT = 0,
    parameter OUT_ROWS = 2,
    parameter OUT_COLUMNS = 2,
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
    wire at_last, step, tap_valid, tap_first, tap_last, tap_pad, room;
    wire tap_soon;
    wire [7:0] tap_data;

    lingnan_window #(
        .CHANNELS(CHANNELS), .LANES(1), .HEIGHT(HEIGHT), .WIDTH(WIDTH),
        .KERNEL_ROWS(KERNEL_ROWS), .KERNEL_COLUMNS(KERNEL_COLUMNS),
        .STRIDE_DOWN(STRIDE_DOWN), .STRIDE_RIGHT(STRIDE_RIGHT),
        .PAD_TOP(PAD_TOP), .PAD_LEFT(PAD_LEFT),
        .OUT_ROWS(OUT_ROWS), .OUT_COLUMNS(OUT_COLUMNS),
        .REPEAT(1), .CHANNEL_OUTER(1), .CAPACITY(CAPACITY)
    ) window (
        .clk(clk), .rst(rst),
        .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
        .at_last(at_last), .go(room), .step(step), .tap_soon(tap_soon),
        .tap_valid(tap_valid), .tap_first(tap_first), .tap_last(tap_last),
        .tap_pad(tap_pad), .tap_data(tap_data)
    );

    reg [7:0] best;
    reg done;
    wire [7:0] value = tap_pad ? 8'd0 : tap_data;
    always @(posedge clk) begin
        if (tap_valid) best <= tap_first || value > best ? value : best;
        done <= !rst && tap_valid && tap_last;
    end

    lingnan_outbox #(.CLAIM(1), .DEPTH(16)) outbox (
        .clk(clk), .rst(rst), .room(room), .claim(step && at_last),
        .in_data(best), .in_valid(done),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
    wire unused = &{1'b0, tap_soon};
endmodule
