// A function of one byte as its table.
module lingnan_lookup #(
    parameter TABLE = ""
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
    (* rom_style = "block" *) reg [7:0] table_of [0:255];
    initial $readmemh(TABLE, table_of);

    wire take = in_valid && in_ready;
    reg [7:0] value;
    reg valid;
    always @(posedge clk) begin
        value <= table_of[in_data];
        valid <= !rst && take;
    end
    lingnan_outbox #(.CLAIM(1), .DEPTH(16)) outbox (
        .clk(clk), .rst(rst), .room(in_ready), .claim(take),
        .in_data(value), .in_valid(valid),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule
