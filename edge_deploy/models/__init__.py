"""From a network's outputs to what they mean."""
