// clamp((A[a] + B[b]) >> SHIFT, 0, 255): the two tables hold value * multiplier (+ offset).
//
// HALF_EVEN rounds ties to even. LISTED holds EXCEPTIONS of {a, b, correction}, each 8 bits.
module lingnan_add #(
    parameter TERM_BITS = 32,
    parameter SHIFT = 21,
    parameter HALF_EVEN = 0,
    parameter EXCEPTIONS = 0,
    parameter [24*EXCEPTIONS+23:0] LISTED = 0,
    parameter TABLE_A = "",
    parameter TABLE_B = ""
) (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] a_data,
    input  wire       a_valid,
    output wire       a_ready,
    input  wire [7:0] b_data,
    input  wire       b_valid,
    output wire       b_ready,
    output wire [7:0] out_data,
    output wire       out_valid,
    input  wire       out_ready
);
    localparam [31:0] TIE = HALF_EVEN ? (32'd1 << (SHIFT - 1)) - 32'd1 : 32'd0;
    localparam TOP = TERM_BITS - SHIFT;

    (* rom_style = "block" *) reg [TERM_BITS-1:0] terms_a [0:255];
    (* rom_style = "block" *) reg [TERM_BITS-1:0] terms_b [0:255];
    initial begin
        $readmemh(TABLE_A, terms_a);
        $readmemh(TABLE_B, terms_b);
    end

    wire room;
    wire take = a_valid && b_valid && room;
    assign a_ready = b_valid && room;
    assign b_ready = a_valid && room;

    reg [TERM_BITS-1:0] fetched_a, fetched_b, term_a, term_b;
    reg signed [TERM_BITS-1:0] sum, rounded;
    reg [7:0] early_a, early_b, a, b, correction, corrected, value;
    reg [4:0] valid;
    reg [7:0] found;
    integer e;
    always @* begin
        found = 8'd0;
        for (e = 0; e < EXCEPTIONS; e = e + 1)
            if (LISTED[24*e +: 16] == {a, b}) found = found | LISTED[24*e + 16 +: 8];
    end

    wire odd = HALF_EVEN && sum[SHIFT];
    wire signed [TOP-1:0] shifted = rounded[TERM_BITS-1:SHIFT];
    wire over = |shifted[TOP-2:8];
    wire [7:0] clamped = shifted[TOP-1] ? 8'd0 : over ? 8'd255 : shifted[7:0];
    always @(posedge clk) begin
        fetched_a <= terms_a[a_data];
        fetched_b <= terms_b[b_data];
        early_a <= a_data;
        early_b <= b_data;
        term_a <= fetched_a;
        term_b <= fetched_b;
        a <= early_a;
        b <= early_b;
        sum <= term_a + term_b;
        correction <= found;
        rounded <= sum + TIE[TERM_BITS-1:0] + {{(TERM_BITS - 1){1'b0}}, odd};
        corrected <= correction;
        value <= clamped + corrected;
    end
    always @(posedge clk)
        if (rst) valid <= 0;
        else valid <= {valid[3:0], take};

    lingnan_outbox #(.CLAIM(1), .DEPTH(16)) outbox (
        .clk(clk), .rst(rst), .room(room), .claim(take),
        .in_data(value), .in_valid(valid[4]),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
    wire unused = &{1'b0, rounded[SHIFT-1:0], LISTED[24*EXCEPTIONS +: 24]};
endmodule
