"""Training; the only place of this direction that imports torch."""
