"""What a phase decides, with what its gates saw at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from staycourse.core.courses import courses
from staycourse.core.gates import Closing, look
from staycourse.core.phases.base import Before, Decision, Phase
from staycourse.core.trial import Trial


def decide(phase: Phase, before: Before, trials: Sequence[Trial]) -> Decision:
    """The phase's decision; where it hands on, its findings hold `gates`, a list of findings as JSON
    values. A pure function, as `phase.decide` is one: verification decides again and compares."""
    decision = phase.decide(before, trials)
    if decision.handoff is None:
        return decision
    allowed = {need.key: need.epochs for need in decision.needs}
    ranked = courses(trials, allowed, before.goal)
    found = look(Closing(phase, before, trials, ranked)) if ranked else []
    if not found:
        return decision
    findings = {**decision.handoff.findings, "gates": found}
    return replace(decision, handoff=replace(decision.handoff, findings=findings))
