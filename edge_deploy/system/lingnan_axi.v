// A network's design on an AXI bus: registers behind AXI4-Lite, pictures and answers by AXI4 of 64-bit
// words, between them the job (lingnan_dma). Stands beside the network, whose streams it joins.
module lingnan_axi #(
    parameter [31:0] NETWORK = 0,
    parameter [31:0] IN_BYTES = 16,
    parameter [31:0] OUT_BYTES = 16
) (
    input  wire        aclk,
    input  wire        aresetn,
    output wire        irq,

    input  wire [7:0]  s_axil_awaddr,
    input  wire        s_axil_awvalid,
    output wire        s_axil_awready,
    input  wire [31:0] s_axil_wdata,
    input  wire [3:0]  s_axil_wstrb,
    input  wire        s_axil_wvalid,
    output wire        s_axil_wready,
    output wire [1:0]  s_axil_bresp,
    output wire        s_axil_bvalid,
    input  wire        s_axil_bready,
    input  wire [7:0]  s_axil_araddr,
    input  wire        s_axil_arvalid,
    output wire        s_axil_arready,
    output wire [31:0] s_axil_rdata,
    output wire [1:0]  s_axil_rresp,
    output wire        s_axil_rvalid,
    input  wire        s_axil_rready,

    output wire [31:0] m_axi_awaddr,
    output wire [7:0]  m_axi_awlen,
    output wire [2:0]  m_axi_awsize,
    output wire [1:0]  m_axi_awburst,
    output wire [3:0]  m_axi_awcache,
    output wire [2:0]  m_axi_awprot,
    output wire        m_axi_awvalid,
    input  wire        m_axi_awready,
    output wire [63:0] m_axi_wdata,
    output wire [7:0]  m_axi_wstrb,
    output wire        m_axi_wlast,
    output wire        m_axi_wvalid,
    input  wire        m_axi_wready,
    input  wire [1:0]  m_axi_bresp,
    input  wire        m_axi_bvalid,
    output wire        m_axi_bready,
    output wire [31:0] m_axi_araddr,
    output wire [7:0]  m_axi_arlen,
    output wire [2:0]  m_axi_arsize,
    output wire [1:0]  m_axi_arburst,
    output wire [3:0]  m_axi_arcache,
    output wire [2:0]  m_axi_arprot,
    output wire        m_axi_arvalid,
    input  wire        m_axi_arready,
    input  wire [63:0] m_axi_rdata,
    input  wire [1:0]  m_axi_rresp,
    input  wire        m_axi_rlast,
    input  wire        m_axi_rvalid,
    output wire        m_axi_rready,

    output wire        net_aresetn,
    input  wire        net_frame_error,
    output wire [7:0]  m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast,
    input  wire [7:0]  s_axis_tdata,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast
);
    localparam [2:0] EIGHT_BYTES = 3'd3, UNPRIVILEGED_SECURE_DATA = 3'd0;
    localparam [1:0] INCR = 2'b01;
    localparam [3:0] NORMAL = 4'b0011;  // bufferable, not cached
    assign {m_axi_awsize, m_axi_arsize} = {2{EIGHT_BYTES}};
    assign {m_axi_awburst, m_axi_arburst} = {2{INCR}};
    assign {m_axi_awcache, m_axi_arcache} = {2{NORMAL}};
    assign {m_axi_awprot, m_axi_arprot} = {2{UNPRIVILEGED_SECURE_DATA}};

    reg rst;
    always @(posedge aclk) rst <= !aresetn;

    wire [3:0] number;
    wire word_write;
    wire [31:0] word_in, word_out;
    lingnan_axi_lite registers (
        .clk(aclk), .rst(rst),
        .awaddr(s_axil_awaddr), .awvalid(s_axil_awvalid), .awready(s_axil_awready),
        .wdata(s_axil_wdata), .wstrb(s_axil_wstrb), .wvalid(s_axil_wvalid), .wready(s_axil_wready),
        .bresp(s_axil_bresp), .bvalid(s_axil_bvalid), .bready(s_axil_bready),
        .araddr(s_axil_araddr), .arvalid(s_axil_arvalid), .arready(s_axil_arready),
        .rdata(s_axil_rdata), .rresp(s_axil_rresp), .rvalid(s_axil_rvalid), .rready(s_axil_rready),
        .number(number), .word_write(word_write), .word_in(word_in), .word_out(word_out)
    );

    wire run, read_idle, read_error, read_valid, read_ready;
    wire write_idle, write_last, write_valid, write_ready, write_error, written;
    wire [31:0] read_at, read_length, write_at;
    wire [7:0] read_data, write_data;
    lingnan_dma #(.NETWORK(NETWORK), .IN_BYTES(IN_BYTES), .OUT_BYTES(OUT_BYTES)) job (
        .clk(aclk), .rst(rst),
        .number(number), .word_write(word_write), .word_in(word_in), .word_out(word_out),
        .irq(irq), .run(run), .idle(read_idle && write_idle),
        .read_at(read_at), .read_length(read_length), .read_data(read_data),
        .read_error(read_error), .read_valid(read_valid), .read_ready(read_ready),
        .write_at(write_at), .write_data(write_data), .write_last(write_last),
        .write_valid(write_valid), .write_ready(write_ready), .write_error(write_error),
        .written(written), .net_aresetn(net_aresetn), .net_frame_error(net_frame_error),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
        .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast)
    );

    lingnan_axi_read read (
        .clk(aclk), .rst(rst), .run(run), .at(read_at), .length(read_length), .idle(read_idle),
        .out_data(read_data), .out_error(read_error), .out_valid(read_valid),
        .out_ready(read_ready),
        .araddr(m_axi_araddr), .arlen(m_axi_arlen), .arvalid(m_axi_arvalid),
        .arready(m_axi_arready), .rdata(m_axi_rdata), .rresp(m_axi_rresp), .rlast(m_axi_rlast),
        .rvalid(m_axi_rvalid), .rready(m_axi_rready)
    );
    lingnan_axi_write write (
        .clk(aclk), .rst(rst), .run(run), .at(write_at), .idle(write_idle), .written(written),
        .error(write_error), .in_data(write_data), .in_last(write_last), .in_valid(write_valid),
        .in_ready(write_ready),
        .awaddr(m_axi_awaddr), .awlen(m_axi_awlen), .awvalid(m_axi_awvalid),
        .awready(m_axi_awready), .wdata(m_axi_wdata), .wstrb(m_axi_wstrb), .wlast(m_axi_wlast),
        .wvalid(m_axi_wvalid), .wready(m_axi_wready), .bresp(m_axi_bresp), .bvalid(m_axi_bvalid),
        .bready(m_axi_bready)
    );
endmodule
