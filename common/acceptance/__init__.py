"""Acceptance: indicators that measure themselves, their statistics and the report."""
