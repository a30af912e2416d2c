"""The pure part: no files, no clock, no torch, no processes."""
