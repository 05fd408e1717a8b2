// Bytes to memory by AXI4: INCR bursts of 64-bit words that end at multiples of 128 bytes, and so
// never cross 4 KB. A burst is asked for once all of its words are here.
//
// While `run` is up bytes go to `at` and on, to the one that comes with `last`; strobes keep what lies
// beside them. `written`: the memory has answered for all. `error` stays up once it refused a burst.
// When `run` falls, the burst under way is ended, the rest is dropped, answers are waited for: `idle`.
module lingnan_axi_write (
    input  wire        clk,
    input  wire        rst,
    input  wire        run,
    input  wire [31:0] at,
    output wire        idle,
    output wire        written,
    output reg         error,
    input  wire [7:0]  in_data,
    input  wire        in_last,
    input  wire        in_valid,
    output wire        in_ready,

    output reg  [31:0] awaddr,
    output reg  [7:0]  awlen,
    output reg         awvalid,
    input  wire        awready,
    output wire [63:0] wdata,
    output wire [7:0]  wstrb,
    output wire        wlast,
    output wire        wvalid,
    input  wire        wready,
    input  wire [1:0]  bresp,
    input  wire        bvalid,
    output wire        bready
);
    localparam [5:0] BURST = 6'd16;

    reg running, ended;
    reg [28:0] next;             // word of memory that the next burst begins with
    reg [5:0] waiting, sending;  // words without a burst, words of the burst under way
    reg [3:0] owed;              // bursts without an answer
    reg [2:0] lane;
    reg [63:0] word;
    reg [7:0] strobe;

    // A word is whole with its last byte.
    wire room;
    wire put = in_valid && in_ready;
    wire push = put && (lane == 3'd7 || in_last);
    wire [63:0] grown = word | {56'd0, in_data} << {lane, 3'd0};
    wire [7:0] covered = strobe | 8'd1 << lane;
    assign in_ready = running && run && !ended && room;

    wire [5:0] to_boundary = BURST - {2'd0, next[3:0]};
    wire whole = waiting >= to_boundary;
    wire ask = running && run && !awvalid && sending == 0 && owed != 4'd15
               && (whole || (ended && waiting != 0));
    wire [5:0] beats = whole ? to_boundary : waiting;
    wire sent = wvalid && wready;
    wire answered = bvalid && bready;
    assign idle = !running && !awvalid && owed == 0;
    assign written = ended && waiting == 0 && owed == 0;
    assign bready = 1'b1;

    always @(posedge clk)
        if (rst) begin
            running <= 1'b0;
            ended <= 1'b0;
            error <= 1'b0;
            awvalid <= 1'b0;
            waiting <= 0;
            sending <= 0;
            owed <= 0;
        end else begin
            owed <= owed + {3'd0, ask} - {3'd0, answered};
            if (awready) awvalid <= 1'b0;
            if (ask) begin
                awaddr <= {next, 3'd0};
                awlen <= {2'd0, beats} - 8'd1;
                awvalid <= 1'b1;
                next <= next + {23'd0, beats};
                sending <= beats;
            end else if (sent) sending <= sending - 6'd1;
            if (answered && bresp[1] && running) error <= 1'b1;
            if (!running) begin
                running <= run;
                ended <= 1'b0;
                error <= 1'b0;
                waiting <= 0;
                next <= at[31:3];
                lane <= at[2:0];
                word <= 0;
                strobe <= 0;
            end else begin
                if (!run && sending == 0) running <= 1'b0;
                waiting <= waiting + {5'd0, push} - (ask ? beats : 6'd0);
                if (put) begin
                    ended <= in_last;
                    lane <= lane + 3'd1;
                    word <= push ? 64'd0 : grown;
                    strobe <= push ? 8'd0 : covered;
                end
            end
        end

    wire some;
    lingnan_fifo #(.WIDTH(72), .DEPTH(32)) fifo (
        .clk(clk), .rst(rst || !running),
        .in_data({covered, grown}), .in_valid(push), .in_ready(room),
        .out_data({wstrb, wdata}), .out_valid(some), .out_ready(sent)
    );
    assign wvalid = some && sending != 0;
    assign wlast = sending == 6'd1;
    wire unused = &{1'b0, bresp[0]};
endmodule
