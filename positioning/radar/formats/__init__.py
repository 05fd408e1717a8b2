"""Readers of public radar recordings."""
