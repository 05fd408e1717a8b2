// First in, first out, with a registered output: DEPTH words wait behind the one that is shown.
module lingnan_fifo #(
    parameter WIDTH = 8,
    parameter DEPTH = 16
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in_data,
    input  wire             in_valid,
    output wire             in_ready,
    output reg  [WIDTH-1:0] out_data,
    output reg              out_valid,
    input  wire             out_ready
);
    localparam BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam [BITS:0] FULL = DEPTH[BITS:0];
    localparam [BITS:0] ONE = 1;
    localparam [BITS-1:0] END = FULL[BITS-1:0] - 1'b1;

    reg [WIDTH-1:0] mem [0:DEPTH-1];
    reg [BITS-1:0] head, tail;
    reg [BITS:0] count;
    reg some, full;  // count != 0, count == FULL

    wire push = in_valid && in_ready;
    wire pull = some && (!out_valid || out_ready);
    assign in_ready = !full;

    always @(posedge clk) begin
        if (push) mem[tail] <= in_data;
        if (pull) out_data <= mem[head];
    end

    always @(posedge clk)
        if (rst) begin
            head <= 0;
            tail <= 0;
            count <= 0;
            some <= 1'b0;
            full <= 1'b0;
            out_valid <= 1'b0;
        end else begin
            if (push) tail <= tail == END ? {BITS{1'b0}} : tail + 1'b1;
            if (pull) head <= head == END ? {BITS{1'b0}} : head + 1'b1;
            if (push != pull) begin
                count <= push ? count + 1'b1 : count - 1'b1;
                some <= push || count != ONE;
                full <= push && count == FULL - 1'b1;
            end
            if (pull) out_valid <= 1'b1;
            else if (out_ready) out_valid <= 1'b0;
        end
endmodule
