// More pixels from each row: nearest neighbour (FAR_* = 0), or channels to blocks of pixels.
//
// Each row of the input is read DOWN times. Output pixel (row, column) of pixel x's block takes
// OUT_CHANNELS bytes from x * CHANNELS + row * FAR_ROW + column * FAR_COLUMN, FAR_CHANNEL apart.
module lingnan_expand #(
    parameter CHANNELS = 1,
    parameter OUT_CHANNELS = 1,
    parameter WIDTH = 4,
    parameter DOWN = 2,
    parameter RIGHT = 2,
    parameter FAR_ROW = 0,
    parameter FAR_COLUMN = 0,
    parameter FAR_CHANNEL = 1
) (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] in_data,
    input  wire       in_valid,
    output wire       in_ready,
    output wire [7:0] out_data,
    output wire       out_valid,
    input  wire       out_ready
);
    localparam ROW = WIDTH * CHANNELS;
    localparam BITS = $clog2(2 * ROW);
    localparam BACK_COLUMN = FAR_CHANNEL * (OUT_CHANNELS - 1);
    localparam BACK_PIXEL = BACK_COLUMN + FAR_COLUMN * (RIGHT - 1);
    localparam BACK_ROW = BACK_PIXEL + CHANNELS * (WIDTH - 1);

    // Addresses are two's complement in BITS bits; rows lie at 0 and at HALF.
    /* verilator lint_off WIDTH */
    localparam [BITS-1:0] MOVE_CHANNEL = FAR_CHANNEL;
    localparam [BITS-1:0] MOVE_COLUMN = FAR_COLUMN - BACK_COLUMN;
    localparam [BITS-1:0] MOVE_PIXEL = CHANNELS - BACK_PIXEL;
    localparam [BITS-1:0] MOVE_ROW = FAR_ROW - BACK_ROW;
    localparam [BITS-1:0] HALF = ROW;
    localparam [BITS-1:0] WRITE_END = ROW - 1;
    localparam [BITS-1:0] CHANNEL_SOON = OUT_CHANNELS - 2;
    localparam [BITS-1:0] COLUMN_SOON = RIGHT - 2;
    localparam [BITS-1:0] PIXEL_SOON = WIDTH - 2;
    localparam [BITS-1:0] ROW_SOON = DOWN - 2;
    localparam [3:0] ALONE = {DOWN == 1, WIDTH == 1, RIGHT == 1, OUT_CHANNELS == 1};
    /* verilator lint_on WIDTH */

    reg [7:0] mem [0:2*ROW-1];
    reg [BITS-1:0] write_at, channel, column, pixel, row, read_at;
    reg write_half, read_half;
    reg [1:0] rows;

    wire room;
    assign in_ready = !rows[1];
    wire put = in_valid && in_ready;
    wire row_put = put && write_at == WRITE_END;
    wire step = rows != 0 && room;
    reg end_channel, end_column, end_pixel, end_row;  // whether a counter is at its last
    wire last_channel = end_channel;
    wire last_column = last_channel && end_column;
    wire last_pixel = last_column && end_pixel;
    wire last_row = last_pixel && end_row;
    wire row_done = step && last_row;

    reg [BITS-1:0] move;
    always @* begin
        move = MOVE_ROW;
        if (!last_pixel) move = MOVE_PIXEL;
        if (!last_column) move = MOVE_COLUMN;
        if (!last_channel) move = MOVE_CHANNEL;
    end

    always @(posedge clk)
        if (rst) begin
            write_at <= 0;
            write_half <= 1'b0;
            read_half <= 1'b0;
            rows <= 0;
            channel <= 0;
            column <= 0;
            pixel <= 0;
            row <= 0;
            {end_row, end_pixel, end_column, end_channel} <= ALONE;
            read_at <= 0;
        end else begin
            if (put) write_at <= row_put ? {BITS{1'b0}} : write_at + 1'b1;
            if (row_put) write_half <= !write_half;
            if (row_put != row_done) rows <= row_put ? rows + 1'b1 : rows - 1'b1;
            if (row_done) read_half <= !read_half;
            if (step) begin
                read_at <= last_row ? {BITS{1'b0}} : read_at + move;
                channel <= last_channel ? {BITS{1'b0}} : channel + 1'b1;
                end_channel <= last_channel ? ALONE[0] : channel == CHANNEL_SOON;
                if (last_channel) begin
                    column <= last_column ? {BITS{1'b0}} : column + 1'b1;
                    end_column <= last_column ? ALONE[1] : column == COLUMN_SOON;
                end
                if (last_column) begin
                    pixel <= last_pixel ? {BITS{1'b0}} : pixel + 1'b1;
                    end_pixel <= last_pixel ? ALONE[2] : pixel == PIXEL_SOON;
                end
                if (last_pixel) begin
                    row <= last_row ? {BITS{1'b0}} : row + 1'b1;
                    end_row <= last_row ? ALONE[3] : row == ROW_SOON;
                end
            end
        end

    reg [BITS-1:0] fetch_at;
    reg [7:0] fetched;
    reg [1:0] valid;
    always @(posedge clk) begin
        if (put) mem[write_half ? write_at + HALF : write_at] <= in_data;
        fetch_at <= read_half ? read_at + HALF : read_at;
        fetched <= mem[fetch_at];
        valid <= rst ? 2'd0 : {valid[0], step};
    end

    lingnan_outbox #(.CLAIM(1), .DEPTH(16)) outbox (
        .clk(clk), .rst(rst), .room(room), .claim(step),
        .in_data(fetched), .in_valid(valid[1]),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule
