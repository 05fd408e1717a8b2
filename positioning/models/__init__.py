"""Pre- and post-processing of the networks of this direction."""
