"""Simulated cities, drives, receivers and sensors, with exact truth."""
