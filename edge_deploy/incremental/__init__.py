"""Data that come in increments, learned by a structure that grows and shrinks (S4-D9-R2)."""
