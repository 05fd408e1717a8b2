"""Chirp-sequence MIMO radar: from samples behind the mixer to detections with covariances."""
