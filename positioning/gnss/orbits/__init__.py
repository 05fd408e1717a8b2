"""Where satellites are and what their clocks say: broadcast and precise."""
