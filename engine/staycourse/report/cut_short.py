"""Attempts that ended before their trial did: by a failure, or with the engine that ran them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from staycourse.core import events as ev
from staycourse.core.outcome import Failure
from staycourse.core.state import RunStatus
from staycourse.record import clock
from staycourse.report.facts import Facts, Timed


@dataclass(frozen=True)
class CutShort:
    """`time` (UTC) is when it ended, or the engine's last sign of life; `step` is None where nobody was left
    to see it; `taken_up_after` are the seconds until the trial's next attempt, None without one."""

    time: str
    trial: str
    attempt: int
    failure: str
    step: int | None
    error: str
    taken_up_after: float | None = None


def cut_short(facts: Facts) -> list[CutShort]:
    """In the order in which they ended."""
    found: list[CutShort] = []
    running: dict[str, ev.TrialStarted] = {}
    owed: dict[str, int] = {}  # where in `found` a trial stands that nobody has taken up again
    for timed in facts.timeline:
        event = timed.event
        if isinstance(event, ev.TrialStarted):
            _take_up(found, owed.pop(event.trial, None), timed)
            running[event.trial] = event
        elif isinstance(event, ev.TrialEnded):
            running.pop(event.trial, None)
        elif isinstance(event, ev.AttemptFailed):
            running.pop(event.trial, None)
            owed[event.trial] = len(found)
            found.append(
                CutShort(timed.time, event.trial, event.attempt, event.failure, event.step, event.error)
            )
        elif isinstance(event, ev.EngineStarted):
            _lose(found, owed, running, event.silent_since or timed.time)
    if facts.status is RunStatus.SUSPENDED:
        _lose(found, owed, running, facts.until)
    return found


def _take_up(found: list[CutShort], at: int | None, timed: Timed) -> None:
    if at is not None:
        seconds = max(0.0, clock.seconds_between(found[at].time, timed.time))
        found[at] = replace(found[at], taken_up_after=seconds)


def _lose(
    found: list[CutShort], owed: dict[str, int], running: dict[str, ev.TrialStarted], time: str
) -> None:
    """What was running went with its engine, which had no time for a word."""
    for trial, started in running.items():
        owed[trial] = len(found)
        gone = "it went with the engine"
        found.append(CutShort(time, trial, started.attempt, str(Failure.INTERRUPTED), None, gone))
    running.clear()
