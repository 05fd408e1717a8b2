"""Simulated multi-light station with exact ground truth."""
