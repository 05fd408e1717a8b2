"""Positioning: GNSS in the urban canyon (D4), and radar with video (D3)."""
