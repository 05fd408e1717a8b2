"""Defects made to order: a person picks kind, place, size and severity, and gets samples with
exact masks, drawn by rules (`procedural`) or by a network (`learned`)."""
