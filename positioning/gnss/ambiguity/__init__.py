"""Integer ambiguities: LAMBDA, its success rate, and whether an answer is to be believed."""
