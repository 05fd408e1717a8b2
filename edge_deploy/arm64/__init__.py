"""A folder that a 64-bit ARM board with Linux runs offline: programs, vectors, unit, checksums."""
