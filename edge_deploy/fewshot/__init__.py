"""Learning classes from a few samples each, on the device that uses them (S4-D9-K1)."""
