"""Single point: one receiver, no base."""
