// Registers, and two movers between a memory and the AXI-Streams of a network's design.
//
// Registers are 32 bits wide, one access a cycle; numbers are those of registers.h. A job: source,
// destination and their lengths, then control bit 0; its end raises `irq`. Control bit 1
// resets movers and network. The memory moves a byte a cycle where it says `ready`; `error` beside
// it ends the transfer there, as a bus that refuses an address does.
module lingnan_dma #(
    parameter [31:0] NETWORK = 0,
    parameter [31:0] IN_BYTES = 16,
    parameter [31:0] OUT_BYTES = 16
) (
    input  wire        aclk,
    input  wire        aresetn,

    input  wire [3:0]  number,
    input  wire        word_write,
    input  wire [31:0] word_in,
    output reg  [31:0] word_out,
    output wire        irq,

    output wire        read_valid,
    output wire [31:0] read_at,
    input  wire        read_ready,
    input  wire        read_error,
    input  wire [7:0]  read_data,
    output wire        write_valid,
    output wire [31:0] write_at,
    output wire [7:0]  write_data,
    input  wire        write_ready,

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
    localparam [31:0] ID = 32'h4c4e474e, VERSION = 32'd1;
    localparam [3:0] RESET_CYCLES = 4'd8;

    reg [31:0] source, source_length, destination, destination_length, cycles, sent, received;
    reg busy, done, cut, refused, overflow;
    reg [3:0] resetting;
    wire control = word_write && number == 4'd5;
    wire reset = !aresetn || (control && word_in[1]);
    wire start = control && word_in[0] && !busy;
    assign net_aresetn = resetting == 0;
    assign irq = done || cut || refused || overflow;

    always @*
        case (number)
            4'd0: word_out = ID;
            4'd1: word_out = VERSION;
            4'd2: word_out = NETWORK;
            4'd3: word_out = IN_BYTES;
            4'd4: word_out = OUT_BYTES;
            4'd6: word_out = {27'd0, overflow, refused, cut, done, busy};
            4'd7: word_out = source;
            4'd8: word_out = source_length;
            4'd9: word_out = destination;
            4'd10: word_out = destination_length;
            4'd11: word_out = cycles;
            4'd12: word_out = sent;
            4'd13: word_out = received;
            default: word_out = 32'd0;
        endcase

    always @(posedge aclk)
        if (word_write && !busy)
            case (number)
                4'd7: source <= word_in;
                4'd8: source_length <= word_in;
                4'd9: destination <= word_in;
                4'd10: destination_length <= word_in;
                default: ;
            endcase

    // Memory to network: a byte is asked for until the network takes it.
    wire sending = busy && sent != source_length;
    assign read_valid = sending;
    assign read_at = source + sent;
    assign m_axis_tdata = read_data;
    assign m_axis_tvalid = sending && read_ready;
    assign m_axis_tlast = sent + 32'd1 == source_length || read_error;

    // Network to memory: a byte too many is not written.
    wire fits = received != destination_length;
    assign write_valid = busy && s_axis_tvalid && fits;
    assign write_at = destination + received;
    assign write_data = s_axis_tdata;
    assign s_axis_tready = busy && fits && write_ready;

    wire took = m_axis_tvalid && m_axis_tready;
    wire gave = s_axis_tvalid && s_axis_tready;
    always @(posedge aclk)
        if (reset) begin
            {busy, done, cut, refused, overflow} <= 5'd0;
            {cycles, sent, received} <= 96'd0;
            resetting <= RESET_CYCLES;
        end else begin
            if (resetting != 0) resetting <= resetting - 4'd1;
            if (start) begin
                busy <= 1'b1;
                {done, cut, refused, overflow} <= 4'd0;
                {cycles, sent, received} <= 96'd0;
            end else if (busy) begin
                cycles <= cycles + 32'd1;
                if (took) sent <= sent + 32'd1;
                if (gave) received <= received + 32'd1;
                if (gave && s_axis_tlast) {busy, done} <= 2'b01;
                if (s_axis_tvalid && !fits) {busy, overflow} <= 2'b01;
                if (took && read_error) {busy, refused} <= 2'b01;
                if (net_frame_error) {busy, cut} <= 2'b01;
            end
        end
endmodule
