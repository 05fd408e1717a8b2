// FILTERS sums of products side by side, TAPS products a cycle each.
//
// With SHARED all filters meet the same TAPS activations; without, filter f meets activation f
// (depthwise, TAPS = 1). A padded tap is zero. Sums leave one after the other, filter 0 first;
// the last taps of two groups must start at least FILTERS cycles apart. `tap_soon` is up two cycles
// before `tap_valid`.
module lingnan_mac #(
    parameter FILTERS = 1,
    parameter TAPS = 1,
    parameter SHARED = 1,
    parameter LANES = 1,
    parameter SUM_BITS = 24,
    parameter ZERO_POINT = 0,
    parameter WORDS = 9,
    parameter BANK = 1024,
    parameter FILE = ""
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire                       tap_soon,
    input  wire                       tap_valid,
    input  wire                       tap_first,
    input  wire                       tap_last,
    input  wire                       tap_pad,
    input  wire [8*LANES-1:0]         tap_data,
    output wire                       out_valid,
    output wire signed [SUM_BITS-1:0] out_data
);
    localparam WIDE = 8 * FILTERS * TAPS;
    localparam BITS = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam [31:0] END = WORDS - 1;
    localparam [31:0] ZERO = ZERO_POINT;
    localparam LEFT_BITS = $clog2(FILTERS + 1);
    localparam [31:0] ALL = FILTERS;

    // Banks of weights are one memory deep each; a memory answers late in its cycle, so that what is
    // read is held before one bank is chosen. Files: FILE_000.hex and on.
    localparam BANKS = (WORDS + BANK - 1) / BANK;
    localparam LOW = $clog2(BANK);
    // Banks lie a power of two apart: chosen by shifting, where synthesis would else multiply.
    localparam APART = BANKS > 1 ? 1 << $clog2(WIDE) : WIDE;
    reg [BITS-1:0] at;
    reg [WIDE-1:0] weight;
    wire [APART*BANKS-1:0] every;
    always @(posedge clk)
        if (rst) at <= 0;
        else if (tap_soon) at <= at == END[BITS-1:0] ? {BITS{1'b0}} : at + 1'b1;
    genvar bank;
    generate
        for (bank = 0; bank < BANKS; bank = bank + 1) begin : store
            localparam COUNT = bank == BANKS - 1 ? WORDS - BANK * bank : BANK;
            localparam COUNT_BITS = COUNT > 1 ? $clog2(COUNT) : 1;
            localparam [7:0] HUNDREDS = 48 + bank / 100, TENS = 48 + bank / 10 % 10;
            localparam [7:0] ONES = 48 + bank % 10;
            reg [WIDE-1:0] words [0:COUNT-1];
            initial $readmemh({FILE, "_", HUNDREDS, TENS, ONES, ".hex"}, words);
            reg [WIDE-1:0] fetched, held;
            always @(posedge clk) begin
                fetched <= words[at[COUNT_BITS-1:0]];
                held <= fetched;
            end
            assign every[APART*bank +: WIDE] = held;
            if (APART > WIDE) begin : between
                assign every[APART*bank + WIDE +: APART - WIDE] = 0;
            end
        end
        if (BANKS == 1) begin : one
            always @(posedge clk) weight <= every;
        end else begin : several
            reg [BITS-LOW-1:0] early, chosen;
            always @(posedge clk) begin
                early <= at[BITS-1:LOW];
                chosen <= early;
                weight <= every[APART*chosen +: WIDE];
            end
        end
    endgenerate

    // value - zero point, three clocks of the multiplier, one on the way, the levels of adders,
    // accumulation.
    localparam LEVELS = TAPS > 2 ? 2 : TAPS - 1;
    localparam AT = 4 + LEVELS;  // where in these a sum of TAPS is there
    reg [AT:0] valid, first, last;
    reg done;
    always @(posedge clk)
        if (rst) {done, valid} <= 0;
        else {done, valid} <= {valid[AT] && last[AT], valid[AT-1:0], tap_valid};
    always @(posedge clk) begin
        first <= {first[AT-1:0], tap_first};
        last <= {last[AT-1:0], tap_last};
    end

    wire [9*LANES-1:0] centred;
    genvar lane, filter, tap;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : centre
            reg signed [8:0] value;
            always @(posedge clk)
                value <= tap_pad ? 9'd0 : {1'b0, tap_data[8*lane +: 8]} - ZERO[8:0];
            assign centred[9*lane +: 9] = value;
        end
    endgenerate

    reg [SUM_BITS*FILTERS-1:0] held;
    wire [SUM_BITS*FILTERS-1:0] sums;
    generate
        for (filter = 0; filter < FILTERS; filter = filter + 1) begin : each
            wire [17*TAPS-1:0] products;
            for (tap = 0; tap < TAPS; tap = tap + 1) begin : product
                wire signed [8:0] x = centred[9*(SHARED ? tap : filter) +: 9];
                wire signed [7:0] w = weight[8*(filter*TAPS + tap) +: 8];
                lingnan_multiply #(.A_BITS(9), .B_BITS(8)) multiply (
                    .clk(clk), .a(x), .b(w), .product(products[17*tap +: 17])
                );
            end

            wire signed [18:0] together;
            lingnan_adders #(.TAPS(TAPS)) adders (
                .clk(clk), .products(products), .together(together)
            );
            reg signed [SUM_BITS-1:0] sum;
            wire signed [SUM_BITS-1:0] longer = {{(SUM_BITS - 19){together[18]}}, together};
            always @(posedge clk) if (valid[AT]) sum <= first[AT] ? longer : sum + longer;
            assign sums[SUM_BITS*filter +: SUM_BITS] = sum;
        end
    endgenerate

    // Whole sums are copied and shifted out while the next ones grow.
    reg [LEFT_BITS-1:0] remaining;
    always @(posedge clk)
        if (rst) remaining <= 0;
        else if (done) remaining <= ALL[LEFT_BITS-1:0];
        else if (remaining != 0) remaining <= remaining - 1'b1;
    always @(posedge clk)
        if (done) held <= sums;
        else held <= held >> SUM_BITS;

    assign out_valid = remaining != 0;
    assign out_data = held[SUM_BITS-1:0];
endmodule
