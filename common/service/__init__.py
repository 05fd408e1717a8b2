"""HTTP service and dashboard."""
