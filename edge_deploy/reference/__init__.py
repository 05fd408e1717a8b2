"""The integer semantics in numpy: what every target is held against."""
