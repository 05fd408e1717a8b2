"""Edge deployment: one int8 network, the same integers on every target (D9)."""
