"""The simulated sorting line: belt, parts, slip and ejectors, with the truth of every part."""
