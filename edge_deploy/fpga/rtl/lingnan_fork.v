// One stream to COUNT readers in step: a byte moves when every reader takes it.
module lingnan_fork #(
    parameter COUNT = 2
) (
    input  wire             in_valid,
    output wire             in_ready,
    output wire [COUNT-1:0] out_valid,
    input  wire [COUNT-1:0] out_ready
);
    assign in_ready = &out_ready;
    genvar at;
    generate
        for (at = 0; at < COUNT; at = at + 1) begin : reader
            wire [COUNT-1:0] others = out_ready | ({{(COUNT - 1){1'b0}}, 1'b1} << at);
            assign out_valid[at] = in_valid && &others;
        end
    endgenerate
endmodule
