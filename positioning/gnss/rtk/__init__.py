"""Real-time kinematic: double differences of two receivers, filtered and fixed to integers."""
