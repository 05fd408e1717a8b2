"""GNSS positioning: readers, orbits, single point, RTK, integrity, cold start."""
