"""Slow-downs: what holds a training up, seen from its own meters. One file a verdict.

A verdict decides nothing: it goes into the ledger in words, and from there onto the screen and into the
report. Each `look` takes what is there; where something that it needs was not measured it says nothing.
"""

from __future__ import annotations

from staycourse.core.slowdowns import growing, growing_memory, idle_validation, small_batch, starved
from staycourse.core.slowdowns.course import trend
from staycourse.core.slowdowns.signs import Epoch, Signs, Slowdown, Step

__all__ = ["ADVICE", "Epoch", "Signs", "Slowdown", "Step", "is_news", "look", "trend"]

# In the order in which they are worth mending: who waits for data need not ask for the rest.
_VERDICTS = (starved, growing, growing_memory, idle_validation, small_batch)

# What to do about each kind, in general; the sentence of a slow-down has the figures.
ADVICE = {verdict.KIND: verdict.ADVICE for verdict in _VERDICTS}

# A slow-down is told again only where it has become so many times as bad.
_CLEARLY_WORSE = 2.0


def look(signs: Signs) -> list[Slowdown]:
    """Every slow-down that shows, at most one of a kind, the first to mend first."""
    return [found for verdict in _VERDICTS if (found := verdict.look(signs)) is not None]


def is_news(share: float, told: float | None) -> bool:
    """Whether a slow-down as bad as `share` is worth telling when one as bad as `told` was told before."""
    return told is None or share >= _CLEARLY_WORSE * told
