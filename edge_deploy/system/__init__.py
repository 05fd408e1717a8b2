"""A board of ARM and FPGA, simulated: the driver emulated, the accelerator Verilated."""
