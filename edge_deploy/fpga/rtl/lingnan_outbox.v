// Where a pipeline that cannot be stopped leaves its bytes. Whoever starts work that will make
// CLAIM bytes waits for `room` and says `claim`; so the pipeline itself needs no back-pressure.
module lingnan_outbox #(
    parameter CLAIM = 1,
    parameter DEPTH = 16
) (
    input  wire       clk,
    input  wire       rst,
    output wire       room,
    input  wire       claim,
    input  wire [7:0] in_data,
    input  wire       in_valid,
    output wire [7:0] out_data,
    output wire       out_valid,
    input  wire       out_ready
);
    localparam BITS = $clog2(DEPTH + 1) + 1;
    localparam [31:0] NONE = CLAIM - DEPTH - 1;
    localparam [31:0] STEP = CLAIM;

    // Bytes claimed, less the most that leave room: the sign tells. A byte that has left is told
    // a cycle late; `claim` comes late in its cycle and only chooses.
    reg [BITS-1:0] beyond;
    reg taken;
    wire [BITS-1:0] fewer = beyond - {{(BITS - 1){1'b0}}, taken};
    wire [BITS-1:0] more = fewer + STEP[BITS-1:0];
    assign room = beyond[BITS-1];

    always @(posedge clk)
        if (rst) begin
            beyond <= NONE[BITS-1:0];
            taken <= 1'b0;
        end else begin
            beyond <= claim ? more : fewer;
            taken <= out_valid && out_ready;
        end

    wire always_ready;
    lingnan_fifo #(.WIDTH(8), .DEPTH(DEPTH)) fifo (
        .clk(clk), .rst(rst),
        .in_data(in_data), .in_valid(in_valid), .in_ready(always_ready),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
    wire unused = &{1'b0, always_ready};
endmodule
