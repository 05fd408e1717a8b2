"""The integer graph: what a quantised network computes, without floats between its layers."""
