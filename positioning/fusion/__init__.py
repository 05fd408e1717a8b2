"""Radar and video fused: tracks in metres, clocks aligned, sensors watched."""
