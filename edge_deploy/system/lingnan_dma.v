// Registers, and the job they start: a picture from memory to a network's AXI-Stream, its answer back.
//
// Registers are 32 bits wide, one access a cycle; numbers are those of registers.h. A job: source,
// destination and their lengths, then control bit 0; its end raises `irq`. Control bit 1
// resets job and network. While `run` is up bytes come from `read_at` and go to `write_at`; it rises
// once nothing of an earlier job is under way (`idle`). A byte with `read_error`, or `write_error`,
// ends the job: the memory refused it.
module lingnan_dma #(
    parameter [31:0] NETWORK = 0,
    parameter [31:0] IN_BYTES = 16,
    parameter [31:0] OUT_BYTES = 16
) (
    input  wire        clk,
    input  wire        rst,

    input  wire [3:0]  number,
    input  wire        word_write,
    input  wire [31:0] word_in,
    output reg  [31:0] word_out,
    output wire        irq,

    output reg         run,
    input  wire        idle,
    output wire [31:0] read_at,
    output wire [31:0] read_length,
    input  wire [7:0]  read_data,
    input  wire        read_error,
    input  wire        read_valid,
    output wire        read_ready,
    output wire [31:0] write_at,
    output wire [7:0]  write_data,
    output wire        write_last,
    output wire        write_valid,
    input  wire        write_ready,
    input  wire        write_error,
    input  wire        written,      // up to the last byte all is in memory

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
    reg busy, done, cut, refused, overflow, whole;
    reg [3:0] resetting;
    wire control = word_write && number == 4'd5;
    wire reset = rst || (control && word_in[1]);
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
            4'd6: word_out = {26'd0, !idle, overflow, refused, cut, done, busy};
            4'd7: word_out = source;
            4'd8: word_out = source_length;
            4'd9: word_out = destination;
            4'd10: word_out = destination_length;
            4'd11: word_out = cycles;
            4'd12: word_out = sent;
            4'd13: word_out = received;
            default: word_out = 32'd0;
        endcase

    always @(posedge clk)
        if (word_write && !busy)
            case (number)
                4'd7: source <= word_in;
                4'd8: source_length <= word_in;
                4'd9: destination <= word_in;
                4'd10: destination_length <= word_in;
                default: ;
            endcase

    // Memory to network.
    assign read_at = source;
    assign read_length = source_length;
    assign m_axis_tdata = read_data;
    assign m_axis_tvalid = run && read_valid;
    assign m_axis_tlast = sent + 32'd1 == source_length || read_error;
    assign read_ready = run && m_axis_tready;

    // Network to memory: a byte too many is not written.
    wire fits = received != destination_length;
    assign write_at = destination;
    assign write_data = s_axis_tdata;
    assign write_last = s_axis_tlast;
    assign write_valid = run && s_axis_tvalid && fits;
    assign s_axis_tready = run && fits && write_ready;

    wire took = m_axis_tvalid && m_axis_tready;
    wire gave = s_axis_tvalid && s_axis_tready;
    wire ends = (whole && written) || (run && s_axis_tvalid && !fits && !whole)
                || (took && read_error) || write_error || net_frame_error;
    always @(posedge clk)
        if (reset) begin
            {run, whole, busy, done, cut, refused, overflow} <= 7'd0;
            {cycles, sent, received} <= 96'd0;
            resetting <= RESET_CYCLES;
        end else begin
            if (resetting != 0) resetting <= resetting - 4'd1;
            if (start) begin
                busy <= 1'b1;
                {whole, done, cut, refused, overflow} <= 5'd0;
                {cycles, sent, received} <= 96'd0;
            end else if (busy) begin
                cycles <= cycles + 32'd1;
                if (idle) run <= 1'b1;
                if (took) sent <= sent + 32'd1;
                if (gave) received <= received + 32'd1;
                if (gave && s_axis_tlast) whole <= 1'b1;
                if (run && ends) begin
                    {run, busy} <= 2'b00;
                    done <= whole && written && !write_error;
                    overflow <= s_axis_tvalid && !fits && !whole;
                    refused <= (took && read_error) || write_error;
                    cut <= net_frame_error;
                end
            end
        end
endmodule
