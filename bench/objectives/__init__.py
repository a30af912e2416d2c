"""Objectives for measuring searches, in three families. What was tuned on some is judged by others."""

from __future__ import annotations

from objectives import cornered, synthetic, tabulated
from objectives.base import Objective


def all_objectives() -> list[Objective]:
    """Every objective, family by family."""
    return [*synthetic.objectives(), *tabulated.objectives(), *cornered.objectives()]
