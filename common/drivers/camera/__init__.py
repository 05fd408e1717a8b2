"""Cameras: simulated, replayed, OpenCV (USB, RTSP, file) and GenICam."""
