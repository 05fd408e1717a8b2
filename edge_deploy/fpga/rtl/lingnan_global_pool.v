// The sum of value - zero point over a whole picture for each channel, rescaled.
module lingnan_global_pool #(
    parameter CHANNELS = 1,
    parameter PIXELS = 16,
    parameter ZERO_POINT = 0,
    parameter SUM_BITS = 24,
    parameter MULTIPLIER_BITS = 31,
    parameter TOTAL_BITS = 56,
    parameter SHIFT = 37,
    parameter EXCEPTIONS = 0,
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
    input  wire       out_ready
);
    localparam BITS = CHANNELS > 1 ? $clog2(CHANNELS) : 1;
    localparam COUNT = PIXELS > 1 ? $clog2(PIXELS) : 1;
    localparam [31:0] CHANNEL_END = CHANNELS - 1;
    localparam [31:0] BEFORE_END = PIXELS - 2;
    localparam [31:0] ZERO = ZERO_POINT;

    reg signed [SUM_BITS-1:0] sums [0:CHANNELS-1];
    reg [BITS-1:0] channel, to;
    reg [COUNT-1:0] pixel;
    reg signed [SUM_BITS-1:0] whole, earlier;  // read while another channel's is written
    reg signed [8:0] centred;
    reg first_pixel, last_pixel, taken, first, last, whole_valid;
    wire rescaled_valid;
    wire [7:0] rescaled;

    wire take = in_valid && in_ready;
    wire last_channel = channel == CHANNEL_END[BITS-1:0];
    wire signed [SUM_BITS-1:0] longer = {{(SUM_BITS - 9){centred[8]}}, centred};
    wire signed [SUM_BITS-1:0] kept = CHANNELS > 1 ? earlier : sums[0];
    wire signed [SUM_BITS-1:0] sum = first ? longer : kept + longer;

    always @(posedge clk) begin
        centred <= {1'b0, in_data} - ZERO[8:0];
        to <= channel;
        earlier <= sums[channel];
        first <= first_pixel;
        last <= last_pixel;
        taken <= !rst && take;
        if (taken) sums[to] <= sum;
        whole <= sum;
        whole_valid <= !rst && taken && last;
    end
    always @(posedge clk)
        if (rst) begin
            channel <= 0;
            pixel <= 0;
            first_pixel <= 1'b1;
            last_pixel <= PIXELS == 1;
        end else if (take) begin
            channel <= last_channel ? {BITS{1'b0}} : channel + 1'b1;
            if (last_channel) begin
                pixel <= last_pixel ? {COUNT{1'b0}} : pixel + 1'b1;
                first_pixel <= last_pixel;
                last_pixel <= last_pixel ? PIXELS == 1 : pixel == BEFORE_END[COUNT-1:0];
            end
        end

    lingnan_rescale #(
        .CHANNELS(1), .SUM_BITS(SUM_BITS), .MULTIPLIER_BITS(MULTIPLIER_BITS),
        .TOTAL_BITS(TOTAL_BITS), .SHIFT(SHIFT), .EXCEPTIONS(EXCEPTIONS), .FILE(TABLE),
        .OFFSETS(OFFSETS)
    ) rescale (
        .clk(clk), .rst(rst), .in_valid(whole_valid), .in_data(whole),
        .out_valid(rescaled_valid), .out_data(rescaled)
    );
    lingnan_outbox #(.CLAIM(1), .DEPTH(16)) outbox (
        .clk(clk), .rst(rst), .room(in_ready), .claim(take && last_pixel),
        .in_data(rescaled), .in_valid(rescaled_valid),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule
