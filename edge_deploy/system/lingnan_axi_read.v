// Bytes from memory by AXI4: INCR bursts of 64-bit words that end at multiples of 128 bytes, and so
// never cross 4 KB; two are under way at most, for which the FIFO has room.
//
// While `run` is up the bytes from `at` on leave one by one, `length` of them, `error` beside one that
// the memory refused. When it falls, what was asked for still comes and is dropped: then `idle`.
module lingnan_axi_read (
    input  wire        clk,
    input  wire        rst,
    input  wire        run,
    input  wire [31:0] at,
    input  wire [31:0] length,
    output wire        idle,
    output wire [7:0]  out_data,
    output wire        out_error,
    output wire        out_valid,
    input  wire        out_ready,

    output reg  [31:0] araddr,
    output reg  [7:0]  arlen,
    output reg         arvalid,
    input  wire        arready,
    input  wire [63:0] rdata,
    input  wire [1:0]  rresp,
    input  wire        rlast,
    input  wire        rvalid,
    output wire        rready
);
    localparam [5:0] BURST = 6'd16, DEPTH = 6'd32;

    reg running;
    reg [28:0] next;          // word to be asked for next
    reg [29:0] words;         // still to be asked for
    reg [31:0] left;          // bytes still to leave
    reg [2:0] lane;
    reg [5:0] owed, claimed;  // words asked for: not come yet, not left yet

    wire [5:0] to_boundary = BURST - {2'd0, next[3:0]};
    wire [5:0] beats = words < {24'd0, to_boundary} ? words[5:0] : to_boundary;
    wire ask = running && run && !arvalid && words != 0 && claimed <= DEPTH - BURST;
    wire came = rvalid && rready;
    wire taken = out_valid && out_ready;
    wire word_taken = taken && (lane == 3'd7 || left == 32'd1);
    wire [32:0] span = {1'b0, length} + {30'd0, at[2:0]} + 33'd7;
    assign idle = !running && !arvalid && owed == 0;

    always @(posedge clk)
        if (rst) begin
            running <= 1'b0;
            arvalid <= 1'b0;
            owed <= 0;
            claimed <= 0;
        end else begin
            owed <= owed + (ask ? beats : 6'd0) - {5'd0, came};
            if (arready) arvalid <= 1'b0;
            if (!run) begin
                running <= 1'b0;
                claimed <= 0;
            end else if (!running) begin
                running <= 1'b1;
                next <= at[31:3];
                words <= span[32:3];
                left <= length;
                lane <= at[2:0];
            end else begin
                claimed <= claimed + (ask ? beats : 6'd0) - {5'd0, word_taken};
                if (ask) begin
                    araddr <= {next, 3'd0};
                    arlen <= {2'd0, beats} - 8'd1;
                    arvalid <= 1'b1;
                    next <= next + {23'd0, beats};
                    words <= words - {24'd0, beats};
                end
                if (taken) begin
                    left <= left - 32'd1;
                    lane <= lane + 3'd1;
                end
            end
        end

    // Every word that is asked for has its room.
    wire always_ready;
    wire [63:0] word;
    assign rready = 1'b1;
    lingnan_fifo #(.WIDTH(65), .DEPTH(32)) fifo (
        .clk(clk), .rst(rst || !running),
        .in_data({rresp[1], rdata}), .in_valid(came && running), .in_ready(always_ready),
        .out_data({out_error, word}), .out_valid(out_valid), .out_ready(word_taken)
    );
    assign out_data = word[8*lane +: 8];
    wire unused = &{1'b0, always_ready, rlast, rresp[0], span[2:0]};
endmodule
