"""A job that was taught on one station, made to run on another."""
