// The pixels under a sliding kernel, one tap a cycle, from a ring of the last CAPACITY pixels.
//
// Bytes come in (height, width, channel) order and are kept as words of LANES channels. For each
// window the taps leave as (row, column, channel word), REPEAT times over; with CHANNEL_OUTER as
// (channel word, row, column). A group is what one sum needs: a whole window, or with
// CHANNEL_OUTER one word's taps, with EVERY_TAP a tap alone. The last tap of a group waits for
// `go`; the pipeline behind it never waits. Writing runs ahead into the next picture, so that
// pictures follow without a gap.
//
// Counters stand one tap ahead of the tap that waits, so that what they decide is in registers.
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
    output reg                at_last,    // the tap that waits is its group's last
    input  wire               go,
    output wire               step,       // a tap starts
    output reg                tap_soon,   // two cycles before tap_valid
    output reg                tap_valid,
    output reg                tap_first,
    output reg                tap_last,
    output reg                tap_pad,
    output reg  [8*LANES-1:0] tap_data
);
    localparam WORDS = CHANNELS / LANES;
    localparam RING = CAPACITY * WORDS;
    localparam BITS = $clog2(RING) + 1;  // a sum of two addresses
    localparam COUNT = $clog2(HEIGHT * WIDTH + (KERNEL_ROWS + PAD_TOP + STRIDE_DOWN) * WIDTH
                              + CAPACITY + KERNEL_COLUMNS) + 2;

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

    localparam BITS0 = N0 > 1 ? $clog2(N0) : 1;
    localparam BITS1 = N1 > 1 ? $clog2(N1) : 1;
    localparam BITS2 = N2 > 1 ? $clog2(N2) : 1;
    localparam BITS_AGAIN = REPEAT > 1 ? $clog2(REPEAT) : 1;
    localparam BITS_RIGHT = OUT_COLUMNS > 1 ? $clog2(OUT_COLUMNS) : 1;
    localparam BITS_DOWN = OUT_ROWS > 1 ? $clog2(OUT_ROWS) : 1;
    localparam PLACE = $clog2((HEIGHT > WIDTH ? HEIGHT : WIDTH) + KERNEL_ROWS + KERNEL_COLUMNS
                              + STRIDE_DOWN + STRIDE_RIGHT) + 1;  // a row or column, signed

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
    localparam signed [COUNT-1:0] RIGHT = STRIDE_RIGHT;
    localparam signed [COUNT-1:0] DOWN = ROW_STEP;
    localparam signed [COUNT-1:0] NEXT = PICTURE_STEP;
    localparam signed [COUNT-1:0] AHEAD_FIRST = -START - SPAN;
    localparam signed [COUNT-1:0] WHOLE_FIRST = -HEIGHT * WIDTH;
    localparam signed [COUNT-1:0] NEAR_FIRST = -START - CAPACITY + 1;
    localparam signed [COUNT-1:0] EARLY_FIRST = -CAPACITY + 1;
    localparam [PLACE-1:0] LEFT_FIRST = -PAD_LEFT;
    localparam [PLACE-1:0] TOP_FIRST = -PAD_TOP;
    localparam [PLACE-1:0] ASIDE = STRIDE_RIGHT;
    localparam [PLACE-1:0] BELOW = STRIDE_DOWN;
    localparam [PLACE-1:0] ROWS = HEIGHT;
    localparam [PLACE-1:0] COLUMNS = WIDTH;
    localparam [BITS0-1:0] SOON0 = N0 - 2;
    localparam [BITS1-1:0] SOON1 = N1 - 2;
    localparam [BITS2-1:0] SOON2 = N2 - 2;
    localparam [BITS_AGAIN-1:0] SOON_AGAIN = REPEAT - 2;
    localparam [BITS_RIGHT-1:0] SOON_RIGHT = OUT_COLUMNS - 2;
    localparam [BITS_DOWN-1:0] SOON_DOWN = OUT_ROWS - 2;
    localparam [5:0] ALONE = {OUT_ROWS == 1, OUT_COLUMNS == 1, REPEAT == 1, N2 == 1, N1 == 1,
                              N0 == 1};
    /* verilator lint_on WIDTH */

    reg [BITS0-1:0] n0;
    reg [BITS1-1:0] n1;
    reg [BITS2-1:0] n2;
    reg [BITS_AGAIN-1:0] again;
    reg [BITS_RIGHT-1:0] right;
    reg [BITS_DOWN-1:0] down;
    reg end0, end1, end2, end_again, end_right, end_down;  // whether a counter is at its last
    wire last0 = end0;
    wire last1 = last0 && end1;
    wire last2 = last1 && end2;
    wire last_window = last2 && end_again;
    wire last_right = last_window && end_right;
    wire last_down = last_right && end_down;
    wire last_group = EVERY_TAP ? 1'b1 : CHANNEL_OUTER ? last1 : last2;

    reg known;  // a tap stands before the counters
    wire advance = step || !known;
    reg fresh;
    reg [PLACE-1:0] left, top;
    always @(posedge clk)
        if (rst) begin
            known <= 1'b0;
            fresh <= 1'b1;
            n0 <= 0;
            n1 <= 0;
            n2 <= 0;
            again <= 0;
            right <= 0;
            down <= 0;
            {end_down, end_right, end_again, end2, end1, end0} <= ALONE;
            left <= LEFT_FIRST;
            top <= TOP_FIRST;
        end else if (advance) begin
            known <= 1'b1;
            fresh <= last_group;
            n0 <= last0 ? {BITS0{1'b0}} : n0 + 1'b1;
            end0 <= last0 ? ALONE[0] : n0 == SOON0;
            if (last0) begin
                n1 <= last1 ? {BITS1{1'b0}} : n1 + 1'b1;
                end1 <= last1 ? ALONE[1] : n1 == SOON1;
            end
            if (last1) begin
                n2 <= last2 ? {BITS2{1'b0}} : n2 + 1'b1;
                end2 <= last2 ? ALONE[2] : n2 == SOON2;
            end
            if (last2) begin
                again <= last_window ? {BITS_AGAIN{1'b0}} : again + 1'b1;
                end_again <= last_window ? ALONE[3] : again == SOON_AGAIN;
            end
            if (last_window) begin
                end_right <= last_right ? ALONE[4] : right == SOON_RIGHT;
                right <= last_right ? {BITS_RIGHT{1'b0}} : right + 1'b1;
                left <= last_right ? LEFT_FIRST : left + ASIDE;
            end
            if (last_right) begin
                end_down <= last_down ? ALONE[5] : down == SOON_DOWN;
                down <= last_down ? {BITS_DOWN{1'b0}} : down + 1'b1;
                top <= last_down ? TOP_FIRST : top + BELOW;
            end
        end

    // Of the tap that waits: whether it is its group's first and last, where it lies, how far the
    // next one is in the ring, and by how many pixels the window then moves on.
    wire [PLACE-1:0] kernel_column, kernel_row;
    generate
        if (CHANNEL_OUTER) begin : channel_outer
            assign kernel_column = {{(PLACE - BITS0){1'b0}}, n0};
            assign kernel_row = {{(PLACE - BITS1){1'b0}}, n1};
        end else begin : channel_inner
            assign kernel_column = {{(PLACE - BITS1){1'b0}}, n1};
            assign kernel_row = {{(PLACE - BITS2){1'b0}}, n2};
        end
    endgenerate

    reg [BITS-1:0] next_move, move, wrapped_move;
    always @* begin
        next_move = MOVE_NEXT;
        if (!last_down) next_move = MOVE_DOWN;
        if (!last_right) next_move = MOVE_RIGHT;
        if (!last_window) next_move = MOVE_AGAIN;
        if (!last2) next_move = MOVE2;
        if (!last1) next_move = MOVE1;
        if (!last0) next_move = MOVE0;
    end
    reg at_first, ends_picture;
    reg [PLACE-1:0] row, column;
    reg signed [COUNT-1:0] distance;
    always @(posedge clk)
        if (advance) begin
            at_first <= fresh;
            at_last <= last_group;
            ends_picture <= last_down;
            row <= top + kernel_row;
            column <= left + kernel_column;
            move <= next_move;
            wrapped_move <= next_move - RING_SIZE;
            distance <= !last_window ? {COUNT{1'b0}} : last_down ? NEXT : last_right ? DOWN : RIGHT;
        end

    // Signs tell: pixels written beyond what the window needs, beyond the picture, beyond what the
    // ring may hold before this window, and beyond what it may hold before any. A pixel counts a
    // cycle late, for which the ring has one to spare; `step` comes late and only chooses.
    reg signed [COUNT-1:0] ahead, whole, near, early;
    wire here = !ahead[COUNT-1] || !whole[COUNT-1];
    assign step = known && here && (!at_last || go);
    assign in_ready = near[COUNT-1] || early[COUNT-1];

    wire word_end, pixel_end;
    wire signed [COUNT-1:0] come = {{(COUNT - 1){1'b0}}, pixel_end};
    wire signed [COUNT-1:0] ahead_stays = ahead + come, near_stays = near + come;
    wire signed [COUNT-1:0] whole_stays = whole + come, early_stays = early + come;
    wire signed [COUNT-1:0] ahead_moves = ahead_stays - distance;
    wire signed [COUNT-1:0] near_moves = near_stays - distance;
    wire signed [COUNT-1:0] whole_moves = whole_stays - PIXELS;
    wire signed [COUNT-1:0] early_moves = early_stays - PIXELS;
    wire done = step && ends_picture;
    always @(posedge clk)
        if (rst) begin
            ahead <= AHEAD_FIRST;
            near <= NEAR_FIRST;
            whole <= WHOLE_FIRST;
            early <= EARLY_FIRST;
        end else begin
            ahead <= step ? ahead_moves : ahead_stays;
            near <= step ? near_moves : near_stays;
            whole <= done ? whole_moves : whole_stays;
            early <= done ? early_moves : early_stays;
        end

    // The ring: bytes are gathered to words, addresses wrap by one subtraction.
    reg [8*LANES-1:0] mem [0:RING-1];
    reg [BITS-1:0] write_at, read_at, fetch_at;
    wire [8*LANES-1:0] word;
    wire put = in_valid && in_ready;

    lingnan_gather #(.LANES(LANES), .WORDS(WORDS)) gather (
        .clk(clk), .rst(rst), .put(put), .data(in_data),
        .word(word), .word_end(word_end), .pixel_end(pixel_end)
    );

    wire [BITS-1:0] moved = read_at + move;
    wire [BITS-1:0] wrapped = read_at + wrapped_move;
    always @(posedge clk)
        if (rst) begin
            write_at <= 0;
            read_at <= FIRST;
        end else begin
            if (word_end) write_at <= write_at == RING_END ? {BITS{1'b0}} : write_at + 1'b1;
            if (step) read_at <= wrapped[BITS-1] ? moved : wrapped;
        end

    reg [8*LANES-1:0] fetched;
    always @(posedge clk) begin
        if (word_end) mem[write_at[BITS-2:0]] <= word;
        fetch_at <= read_at;
        fetched <= mem[fetch_at[BITS-2:0]];
        tap_data <= fetched;
    end

    // A negative position, read as unsigned, lies beyond the picture as well.
    reg [1:0] first, last, pad;
    reg next_valid;
    always @(posedge clk) begin
        first <= {first[0], at_first};
        last <= {last[0], at_last};
        pad <= {pad[0], row >= ROWS || column >= COLUMNS};
        tap_first <= first[1];
        tap_last <= last[1];
        tap_pad <= pad[1];
    end
    always @(posedge clk)
        if (rst) {tap_valid, next_valid, tap_soon} <= 3'd0;
        else {tap_valid, next_valid, tap_soon} <= {next_valid, tap_soon, step};

    wire unused = &{1'b0, fetch_at[BITS-1], write_at[BITS-1]};
endmodule
