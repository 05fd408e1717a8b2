"""Radars: simulated, replayed, and TI's mmWave sensors over their serial port."""
