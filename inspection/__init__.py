"""Inspection: surface defects on real and simulated parts (D1)."""
