"""What a script has told at one place: a line of its output, a row of a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

EPOCH, STEP = "epoch", "step"
_AROUND = " \t,;:|()[]%'\""


@dataclass(frozen=True)
class Record:
    """Values by name, and where they stand as far as that was told. `counts_done` says that the epoch is how
    many are over, so that it is never a first one that is counted from 0."""

    values: Mapping[str, float]
    epoch: float | None = None
    step: int | None = None
    counts_done: bool = False


def record(found: Mapping[str, float], *, counts_done: bool = False) -> Record | None:
    """The values, `epoch` and `step` set apart; None where nothing was found."""
    if not found:
        return None
    values = {name: value for name, value in found.items() if name not in (EPOCH, STEP)}
    epoch, step = found.get(EPOCH), found.get(STEP)
    return Record(
        values,
        epoch if epoch is not None and math.isfinite(epoch) else None,
        int(step) if step is not None and math.isfinite(step) else None,
        counts_done,
    )


def number(text: object) -> float | None:
    """A number as `float()` reads it, signs of punctuation around it left out; None for anything else."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return float(text)
    if not isinstance(text, str):
        return None
    try:
        return float(text.strip(_AROUND))
    except ValueError:
        return None
