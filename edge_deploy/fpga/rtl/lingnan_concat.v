// The channels of one stream behind those of another, pixel by pixel.
module lingnan_concat #(
    parameter CHANNELS_A = 1,
    parameter CHANNELS_B = 1
) (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] a_data,
    input  wire       a_valid,
    output wire       a_ready,
    input  wire [7:0] b_data,
    input  wire       b_valid,
    output wire       b_ready,
    output wire [7:0] out_data,
    output wire       out_valid,
    input  wire       out_ready
);
    localparam BITS = $clog2(CHANNELS_A + CHANNELS_B);
    localparam [31:0] A = CHANNELS_A;
    localparam [31:0] END = CHANNELS_A + CHANNELS_B - 1;

    reg [BITS-1:0] channel;
    wire second = channel >= A[BITS-1:0];
    wire ready;
    wire valid = second ? b_valid : a_valid;
    assign a_ready = ready && !second;
    assign b_ready = ready && second;

    always @(posedge clk)
        if (rst) channel <= 0;
        else if (valid && ready)
            channel <= channel == END[BITS-1:0] ? {BITS{1'b0}} : channel + 1'b1;

    lingnan_fifo #(.WIDTH(8), .DEPTH(2)) fifo (
        .clk(clk), .rst(rst),
        .in_data(second ? b_data : a_data), .in_valid(valid), .in_ready(ready),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule
