// The pixels under a sliding kernel, one tap a cycle, from a ring of the last CAPACITY pixels.
//
// Bytes come in (height, width, channel) order and are kept as words of LANES channels. For each
// window the taps leave as (row, column, channel word), REPEAT times over; with CHANNEL_OUTER as
// (channel word, row, column). A group is what one sum needs: a whole window, or with
// CHANNEL_OUTER one word's taps, with EVERY_TAP a tap alone. The last tap of a group waits for `go`; the pipeline behind it
// never waits. Writing runs ahead into the next picture, so that pictures follow without a gap.
module lingnan_window #(
    parameter CHANNELS = 1,
    parameter LANES = 1,
    parameter HEIGHT = 4,
    parameter WIDTH = 4,
    parameter KERNEL_ROWS = 3,
    parameter KERNEL_COLUMNS = 3,
    parameter STRIDE_DOWN = 1,
    parameter STRIDE_RIGHT = 1,
    parameter PAD_TOP = 1,
    parameter PAD_LEFT = 1,
    parameter OUT_ROWS = 4,
    parameter OUT_COLUMNS = 4,
    parameter REPEAT = 1,
    parameter CHANNEL_OUTER = 0,
    parameter EVERY_TAP = 0,
    parameter CAPACITY = 16
) (
    input  wire               clk,
    input  wire               rst,
    input  wire [7:0]         in_data,
    input  wire               in_valid,
    output wire               in_ready,
    output wire               at_last,    // the tap that waits is its group's last
    input  wire               go,
    output wire               step,       // a tap starts
    output reg                tap_soon,   // one cycle before tap_valid
    output reg                tap_valid,
    output reg                tap_first,
    output reg                tap_last,
    output wire               tap_pad,
    output wire [8*LANES-1:0] tap_data
);
    localparam WORDS = CHANNELS / LANES;
    localparam RING = CAPACITY * WORDS;
    localparam BITS = $clog2(RING) + 1;  // a sum of two addresses
    localparam COUNT = $clog2(HEIGHT * WIDTH + (KERNEL_ROWS + PAD_TOP + STRIDE_DOWN) * WIDTH
                              + CAPACITY + KERNEL_COLUMNS + CHANNELS + REPEAT) + 2;

    // Three inner loops, fastest first: how often, and how far in words each goes.
    localparam N0 = CHANNEL_OUTER ? KERNEL_COLUMNS : WORDS;
    localparam N1 = CHANNEL_OUTER ? KERNEL_ROWS : KERNEL_COLUMNS;
    localparam N2 = CHANNEL_OUTER ? WORDS : KERNEL_ROWS;
    localparam FAR0 = CHANNEL_OUTER ? WORDS : 1;
    localparam FAR1 = CHANNEL_OUTER ? WIDTH * WORDS : WORDS;
    localparam FAR2 = CHANNEL_OUTER ? 1 : WIDTH * WORDS;
    localparam BACK1 = FAR0 * (N0 - 1);
    localparam BACK2 = BACK1 + FAR1 * (N1 - 1);
    localparam BACK = BACK2 + FAR2 * (N2 - 1);
    localparam ROW_STEP = STRIDE_DOWN * WIDTH - (OUT_COLUMNS - 1) * STRIDE_RIGHT;
    localparam PICTURE_STEP = HEIGHT * WIDTH - (OUT_COLUMNS - 1) * STRIDE_RIGHT
                              - (OUT_ROWS - 1) * STRIDE_DOWN * WIDTH;
    localparam START = -PAD_TOP * WIDTH - PAD_LEFT;
    localparam SPAN = (KERNEL_ROWS - 1) * WIDTH + KERNEL_COLUMNS;

    // Constants are computed in 32 bits and cut to their registers' widths.
    /* verilator lint_off WIDTH */
    localparam [BITS-1:0] MOVE0 = FAR0 % RING;
    localparam [BITS-1:0] MOVE1 = ((FAR1 - BACK1) % RING + RING) % RING;
    localparam [BITS-1:0] MOVE2 = ((FAR2 - BACK2) % RING + RING) % RING;
    localparam [BITS-1:0] MOVE_AGAIN = (RING - BACK % RING) % RING;
    localparam [BITS-1:0] MOVE_RIGHT = ((STRIDE_RIGHT * WORDS - BACK) % RING + RING) % RING;
    localparam [BITS-1:0] MOVE_DOWN = ((ROW_STEP * WORDS - BACK) % RING + RING) % RING;
    localparam [BITS-1:0] MOVE_NEXT = ((PICTURE_STEP * WORDS - BACK) % RING + RING) % RING;
    localparam [BITS-1:0] FIRST = ((START * WORDS) % RING + RING) % RING;
    localparam [BITS-1:0] RING_SIZE = RING;
    localparam [BITS-1:0] RING_END = RING - 1;
    localparam signed [COUNT-1:0] PIXELS = HEIGHT * WIDTH;
    localparam signed [COUNT-1:0] NEED_FIRST = START + SPAN;
    localparam signed [COUNT-1:0] LIMIT_FIRST = START + CAPACITY;
    localparam signed [COUNT-1:0] LIMIT_LEAST = CAPACITY;
    localparam signed [COUNT-1:0] RIGHT = STRIDE_RIGHT;
    localparam signed [COUNT-1:0] DOWN = ROW_STEP;
    localparam signed [COUNT-1:0] LEFT_FIRST = -PAD_LEFT;
    localparam signed [COUNT-1:0] TOP_FIRST = -PAD_TOP;
    localparam signed [COUNT-1:0] BELOW = STRIDE_DOWN;
    localparam [COUNT-1:0] ROWS = HEIGHT;
    localparam [COUNT-1:0] COLUMNS = WIDTH;
    localparam [COUNT-1:0] END0 = N0 - 1;
    localparam [COUNT-1:0] END1 = N1 - 1;
    localparam [COUNT-1:0] END2 = N2 - 1;
    localparam [COUNT-1:0] END_REPEAT = REPEAT - 1;
    localparam [COUNT-1:0] END_RIGHT = OUT_COLUMNS - 1;
    localparam [COUNT-1:0] END_DOWN = OUT_ROWS - 1;
    /* verilator lint_on WIDTH */

    // Counters are as wide as the pixel count; synthesis drops the bits that stay zero.
    reg [COUNT-1:0] n0, n1, n2, again, right, down;
    wire last0 = n0 == END0;
    wire last1 = last0 && n1 == END1;
    wire last2 = last1 && n2 == END2;
    wire last_window = last2 && again == END_REPEAT;
    wire last_right = last_window && right == END_RIGHT;
    wire last_down = last_right && down == END_DOWN;
    assign at_last = EVERY_TAP ? 1'b1 : CHANNEL_OUTER ? last1 : last2;

    // Pixels written and needed count from the start of the picture that is being read.
    reg signed [COUNT-1:0] written, need, limit, left, top;
    wire here = written >= need || written >= PIXELS;
    assign step = here && (!at_last || go);
    assign in_ready = written < limit || written < LIMIT_LEAST;

    wire [COUNT-1:0] kernel_column = CHANNEL_OUTER ? n0 : n1;
    wire [COUNT-1:0] kernel_row = CHANNEL_OUTER ? n1 : n2;

    always @(posedge clk)
        if (rst) begin
            n0 <= 0;
            n1 <= 0;
            n2 <= 0;
            again <= 0;
            right <= 0;
            down <= 0;
            need <= NEED_FIRST;
            limit <= LIMIT_FIRST;
            left <= LEFT_FIRST;
            top <= TOP_FIRST;
        end else if (step) begin
            n0 <= last0 ? {COUNT{1'b0}} : n0 + 1'b1;
            if (last0) n1 <= last1 ? {COUNT{1'b0}} : n1 + 1'b1;
            if (last1) n2 <= last2 ? {COUNT{1'b0}} : n2 + 1'b1;
            if (last2) again <= last_window ? {COUNT{1'b0}} : again + 1'b1;
            if (last_window) begin
                right <= last_right ? {COUNT{1'b0}} : right + 1'b1;
                left <= last_right ? LEFT_FIRST : left + RIGHT;
                need <= last_down ? NEED_FIRST : need + (last_right ? DOWN : RIGHT);
                limit <= last_down ? LIMIT_FIRST : limit + (last_right ? DOWN : RIGHT);
            end
            if (last_right) begin
                down <= last_down ? {COUNT{1'b0}} : down + 1'b1;
                top <= last_down ? TOP_FIRST : top + BELOW;
            end
        end

    // The ring: bytes are gathered to words, addresses wrap by one subtraction.
    reg [8*LANES-1:0] mem [0:RING-1];
    reg [BITS-1:0] write_at, read_at, fetch_at;
    wire word_end, pixel_end;
    wire [8*LANES-1:0] word;
    wire put = in_valid && in_ready;

    lingnan_gather #(.LANES(LANES), .WORDS(WORDS)) gather (
        .clk(clk), .rst(rst), .put(put), .data(in_data),
        .word(word), .word_end(word_end), .pixel_end(pixel_end)
    );

    always @(posedge clk)
        if (rst) begin
            write_at <= 0;
            written <= 0;
        end else begin
            if (word_end) write_at <= write_at == RING_END ? {BITS{1'b0}} : write_at + 1'b1;
            written <= written + (pixel_end ? {{(COUNT - 1){1'b0}}, 1'b1} : {COUNT{1'b0}})
                       - (step && last_down ? PIXELS : {COUNT{1'b0}});
        end

    reg [BITS-1:0] move;
    always @* begin
        move = MOVE_NEXT;
        if (!last_down) move = MOVE_DOWN;
        if (!last_right) move = MOVE_RIGHT;
        if (!last_window) move = MOVE_AGAIN;
        if (!last2) move = MOVE2;
        if (!last1) move = MOVE1;
        if (!last0) move = MOVE0;
    end
    wire [BITS-1:0] moved = read_at + move;
    always @(posedge clk)
        if (rst) read_at <= FIRST;
        else if (step) read_at <= moved >= RING_SIZE ? moved - RING_SIZE : moved;

    reg [8*LANES-1:0] fetched;
    always @(posedge clk) begin
        if (word_end) mem[write_at[BITS-2:0]] <= word;
        fetched <= mem[fetch_at[BITS-2:0]];
        fetch_at <= read_at;
    end
    assign tap_data = fetched;

    reg fresh, first_soon, last_soon;
    always @(posedge clk)
        if (rst) begin
            fresh <= 1'b1;
            tap_soon <= 1'b0;
            tap_valid <= 1'b0;
        end else begin
            if (step) fresh <= at_last;
            tap_soon <= step;
            tap_valid <= tap_soon;
        end
    always @(posedge clk) begin
        first_soon <= fresh;
        last_soon <= at_last;
        tap_first <= first_soon;
        tap_last <= last_soon;
    end

    // A negative position, read as unsigned, lies beyond the picture as well.
    reg [COUNT-1:0] row, column;
    reg pad;
    always @(posedge clk) begin
        row <= top + kernel_row;
        column <= left + kernel_column;
        pad <= row >= ROWS || column >= COLUMNS;
    end
    assign tap_pad = pad;

    wire unused = &{1'b0, fetch_at[BITS-1], write_at[BITS-1]};
endmodule
