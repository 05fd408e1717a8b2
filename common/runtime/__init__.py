"""Verified weights, ONNX Runtime sessions, limits and timing. Never torch."""
