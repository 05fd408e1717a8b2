"""FPGA: streaming Verilog from an integer graph, simulated and synthesised with open tools."""
