"""A chirp-sequence MIMO radar on the road, down to the samples of its converters."""
