"""Trials as a search hears of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from staycourse.core.canonical import encode_number
from staycourse.core.trial import Trial


def told(trials: Iterable[Trial], goal: str) -> list[dict[str, Any]]:
    """Set-up, value and state of each, as JSON values (`search.request.Past`)."""
    return [_one(trial, goal) for trial in trials]


def _one(trial: Trial, goal: str) -> dict[str, Any]:
    score = trial.score(goal)
    value = encode_number(score) if score is not None else None
    return {"setup": dict(trial.setup), "value": value, "state": _state(trial, score)}


def _state(trial: Trial, score: float | None) -> str:
    """Failures that say nothing about the set-up are not told."""
    if trial.outcome is None:
        return "pending"
    if score is not None:
        return "done"
    return "infeasible" if trial.outcome.is_infeasible or trial.outcome.is_ranked else "untold"
