"""Strict readers of public data layouts."""
