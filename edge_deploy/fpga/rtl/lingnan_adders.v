// The sum of up to four products: held once, half-way from where they are made, then a level of adders
// a clock: none, one or two.
module lingnan_adders #(
    parameter TAPS = 1
) (
    input  wire                clk,
    input  wire [17*TAPS-1:0]  products,
    output wire signed [18:0]  together
);
    reg [17*TAPS-1:0] held;
    always @(posedge clk) held <= products;
    generate
        if (TAPS == 1) begin : one
            assign together = {{2{held[16]}}, held};
        end else begin : several
            localparam PAIRS = (TAPS + 1) / 2;
            /* verilator lint_off WIDTH */ // a fourth product of three is zero
            wire [17*2*PAIRS-1:0] all = held;
            /* verilator lint_on WIDTH */
            reg [18*PAIRS-1:0] sums;
            integer k;
            always @(posedge clk)
                for (k = 0; k < PAIRS; k = k + 1)
                    sums[18*k +: 18] <= {all[34*k + 16], all[34*k +: 17]}
                                        + {all[34*k + 33], all[34*k + 17 +: 17]};
            if (PAIRS == 1) begin : pair
                assign together = {sums[17], sums};
            end else begin : pairs
                reg signed [18:0] total;
                always @(posedge clk)
                    total <= {sums[17], sums[17:0]} + {sums[35], sums[35:18]};
                assign together = total;
            end
        end
    endgenerate
endmodule
