"""Rules that are declared and probably not meant."""

from __future__ import annotations

from staycourse.core.phases.base import Outlook, Phase
from staycourse.core.problems import Problem
from staycourse.core.schedules import milestones
from staycourse.core.space import Choice, Fixed


def rule_warnings(phase: Phase, outlook: Outlook, at: int) -> list[Problem]:
    """A rule that can fire before the last milestone of a schedule that the phase may train with."""
    last_free = phase.last_rule_free_epoch
    if last_free is None or "schedule" not in outlook.space.names:
        return []
    h = outlook.space.get("schedule")
    options = h.options if isinstance(h, Choice) else (h.value,) if isinstance(h, Fixed) else ()
    horizon = phase.plan(outlook).epochs_per_trial
    found, earliest = [], last_free + 1
    for option in options:
        steps = milestones(outlook.schedules.get(str(option), {}))
        late = [epoch for epoch in steps if earliest <= epoch < horizon]
        if late:
            said = f"stop can end a trial at epoch {earliest}, before milestone {max(late)} of '{option}'"
            right = f"from = {max(late) + 1}, if the milestone is to be seen"
            found.append(Problem(("phase", at, "stop"), said, right))
    return found
