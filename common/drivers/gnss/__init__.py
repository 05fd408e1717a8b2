"""GNSS receivers: their samples are epochs of raw observations."""
