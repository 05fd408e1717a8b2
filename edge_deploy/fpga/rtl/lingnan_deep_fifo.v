// A FIFO of several memories, one behind the other, each a FIFO: what a memory answers, late in its
// cycle, goes straight into the next one, and nothing chooses between them.
module lingnan_deep_fifo #(
    parameter WIDTH = 8,
    parameter DEPTH = 4096,
    parameter MEMORY = 2048  // words of one
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in_data,
    input  wire             in_valid,
    output wire             in_ready,
    output wire [WIDTH-1:0] out_data,
    output wire             out_valid,
    input  wire             out_ready
);
    localparam COUNT = (DEPTH + MEMORY - 1) / MEMORY;

    wire [COUNT:0] valid, ready;
    wire [WIDTH-1:0] data [0:COUNT];

    assign data[0] = in_data;
    assign valid[0] = in_valid;
    assign in_ready = ready[0];
    assign out_data = data[COUNT];
    assign out_valid = valid[COUNT];
    assign ready[COUNT] = out_ready;

    genvar i;
    generate
        for (i = 0; i < COUNT; i = i + 1) begin : chain
            lingnan_fifo #(
                .WIDTH(WIDTH),
                .DEPTH(i < COUNT - 1 ? MEMORY : DEPTH - MEMORY * (COUNT - 1))
            ) fifo (
                .clk(clk), .rst(rst),
                .in_data(data[i]), .in_valid(valid[i]), .in_ready(ready[i]),
                .out_data(data[i+1]), .out_valid(valid[i+1]), .out_ready(ready[i+1])
            );
        end
    endgenerate
endmodule
