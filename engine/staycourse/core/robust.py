"""Spread that single outliers do not move."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

# From the median of absolute values to a standard deviation, for the normal distribution.
_MAD_TO_SD = 1.4826


def deviation(away: Sequence[float]) -> float:
    """The standard deviation of a normal distribution whose absolute values (one at least) are these."""
    return _MAD_TO_SD * statistics.median(away)
