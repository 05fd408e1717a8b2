"""Architectures found under a device's limits (S4-D9-R3, K2)."""
