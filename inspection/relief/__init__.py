"""Height maps: how a three-dimensional sensor's frames become one, and what is found on it."""
