"""How much a trial's score would move with another seed, from what is known."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from staycourse.core.robust import deviation
from staycourse.core.trial import Curve, Trial

_LATE = 3  # the last third of a curve
_FEWEST, _SHORTEST = 5, 10


def jitter(curve: Curve) -> float | None:
    """Standard deviation of the late epochs around their trend, None for a curve too short.

    By third differences, in which a trend and its bend cancel out (their variance is twenty times the
    noise's), and by their median, which one spike does not move. Another seed moves the whole curve too: this
    is a lower bound of its effect.
    """
    values = [value for _, value in curve if math.isfinite(value)]
    if len(values) < _SHORTEST:
        return None
    late = values[-max(_FEWEST, len(values) // _LATE) :]
    jumps = [
        abs(a - 3 * b + 3 * c - d) for a, b, c, d in zip(late, late[1:], late[2:], late[3:], strict=False)
    ]
    return deviation(jumps) / math.sqrt(20)


def from_curves(trials: Iterable[Trial]) -> float | None:
    """The median jitter of the trials that have any."""
    found = [each for trial in trials if (each := jitter(trial.curve)) is not None]
    return statistics.median(found) if found else None


def of_one_seed(trials: Iterable[Trial], findings: Mapping[str, Any]) -> float | None:
    """The larger of the curves' jitter and of what the phase before has found (`noise`), if it has."""
    handed = findings.get("noise")
    known = [float(handed)] if isinstance(handed, int | float) and math.isfinite(handed) else []
    own = from_curves(trials)
    return max([*known, *([own] if own is not None else [])], default=None)
