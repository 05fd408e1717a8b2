"""From power-up to the first position: search, message timing, assistance."""
