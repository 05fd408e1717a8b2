"""Inspection: defects on surfaces (D1) and in height maps, and a line that sorts (D2)."""
