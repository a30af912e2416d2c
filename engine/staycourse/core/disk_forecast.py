"""How much disk the checkpoints of a campaign may take, from the size of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycourse.core.roadmap import Roadmap


@dataclass(frozen=True)
class DiskForecast:
    """Bytes: `trial` is what one trial leaves, `writing` what one may need while it trains, `peak` the most
    that all may take at a time."""

    trial: int
    writing: int
    peak: int


def disk_forecast(roadmap: Roadmap, facts: Mapping[str, Any]) -> DiskForecast | None:
    """An upper bound, from what the check saw of a checkpoint; None if it saw none.

    A trial keeps two checkpoints and its best weights, and writes the next beside them. Once a phase has
    closed, those of the trials that it does not rank go, unless all are kept.
    """
    checkpoint, weights = facts.get("checkpoint_bytes"), facts.get("weights_bytes")
    if not isinstance(checkpoint, int) or not isinstance(weights, int):
        return None
    trial = 2 * checkpoint + weights
    writing = 3 * checkpoint + 2 * weights
    counts = [planned.trials for planned in roadmap.plan()]
    if roadmap.limits.keep_checkpoints == "all":
        most = sum(counts)
    else:
        most = max(sum(pair) for pair in zip([0, *counts], counts, strict=False))
    return DiskForecast(trial, writing, most * trial + writing)
