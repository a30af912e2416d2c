"""A loss that is no number any more."""

from __future__ import annotations

import math
from collections.abc import Sequence


def first_non_finite(losses: Sequence[float]) -> int | None:
    """Index of the first NaN or infinite loss, None if all are finite."""
    for index, loss in enumerate(losses):
        if not math.isfinite(loss):
            return index
    return None
