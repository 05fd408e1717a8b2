"""Positioning: GNSS in the urban canyon, and radar with video."""
