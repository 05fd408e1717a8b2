"""Three-dimensional sensors: their samples are height maps."""
