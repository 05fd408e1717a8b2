"""Simulated GNSS: a city of boxes, rays through it, a vehicle, and the receiver that it carries."""
