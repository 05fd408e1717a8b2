// Registers behind AXI4-Lite: a whole word at a time, its number the address over four. A write of
// some bytes alone, and any access beyond the last register, changes nothing and is told SLVERR.
module lingnan_axi_lite #(
    parameter [3:0] LAST = 4'd13
) (
    input  wire        clk,
    input  wire        rst,

    input  wire [7:0]  awaddr,
    input  wire        awvalid,
    output wire        awready,
    input  wire [31:0] wdata,
    input  wire [3:0]  wstrb,
    input  wire        wvalid,
    output wire        wready,
    output reg  [1:0]  bresp,
    output reg         bvalid,
    input  wire        bready,
    input  wire [7:0]  araddr,
    input  wire        arvalid,
    output wire        arready,
    output reg  [31:0] rdata,
    output reg  [1:0]  rresp,
    output reg         rvalid,
    input  wire        rready,

    output wire [3:0]  number,
    output wire        word_write,
    output wire [31:0] word_in,
    input  wire [31:0] word_out
);
    localparam [1:0] OKAY = 2'b00, SLVERR = 2'b10;

    // Address and data of a write are taken together. No output hangs on an input in its own cycle.
    reg write, read;
    wire write_soon = awvalid && wvalid && !bvalid && !write;
    wire [7:0] address = write ? awaddr : araddr;
    wire known = address[7:2] <= {2'd0, LAST};
    wire fits = known && wstrb == 4'hf;
    assign awready = write;
    assign wready = write;
    assign arready = read;
    assign number = address[5:2];
    assign word_write = write && fits;
    assign word_in = wdata;

    always @(posedge clk)
        if (rst) begin
            write <= 1'b0;
            read <= 1'b0;
            bvalid <= 1'b0;
            rvalid <= 1'b0;
        end else begin
            write <= write_soon;
            read <= arvalid && !rvalid && !read && !write_soon;
            if (write) begin
                bvalid <= 1'b1;
                bresp <= fits ? OKAY : SLVERR;
            end else if (bready) bvalid <= 1'b0;
            if (read) begin
                rvalid <= 1'b1;
                rdata <= known ? word_out : 32'd0;
                rresp <= known ? OKAY : SLVERR;
            end else if (rready) rvalid <= 1'b0;
        end
    wire unused = &{1'b0, address[1:0]};
endmodule
