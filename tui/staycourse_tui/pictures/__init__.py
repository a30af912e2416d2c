"""Whole screens as text: pure functions from a frame and what the keys have set to lines."""
