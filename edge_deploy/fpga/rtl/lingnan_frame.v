// Where a picture ends: `last` goes with its last byte. `wrong` stays up once the sender's own
// mark was elsewhere (tie in_last to `last` where there is none).
module lingnan_frame #(
    parameter BYTES = 16
) (
    input  wire clk,
    input  wire rst,
    input  wire taken,
    input  wire in_last,
    output wire last,
    output reg  wrong
);
    localparam BITS = BYTES > 1 ? $clog2(BYTES) : 1;
    localparam [31:0] END = BYTES - 1;
    reg [BITS-1:0] at;
    assign last = at == END[BITS-1:0];
    always @(posedge clk)
        if (rst) begin
            at <= 0;
            wrong <= 1'b0;
        end else if (taken) begin
            at <= last ? {BITS{1'b0}} : at + 1'b1;
            if (in_last != last) wrong <= 1'b1;
        end
endmodule
