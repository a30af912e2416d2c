"""What does not fit."""

from __future__ import annotations


class Fault(Exception):
    """The first thing found that does not fit, in words: an event, a metric row, a file, a sealed source."""
