"""Ours beside named peers and physical floors, measured in the same run: ratios, not promises."""
