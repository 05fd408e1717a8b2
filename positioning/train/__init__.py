"""How the networks are trained; torch is imported here alone."""
