"""GNSS, inertial sensor and wheels as one estimate."""
