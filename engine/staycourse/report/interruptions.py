"""When nobody drove the run, and why; and the attempts that had to be repeated."""

from __future__ import annotations

from dataclasses import dataclass

from staycourse.core import events as ev
from staycourse.core.state import RunStatus
from staycourse.record import clock
from staycourse.report.cut_short import CutShort, cut_short
from staycourse.report.facts import Facts
from staycourse.report.markdown import code, count, duration, escape, moment, table


@dataclass(frozen=True)
class Interruption:
    """The engine was away from `begin` to `end` (UTC); `end` is None while it still is, and `seconds` then
    and where nobody can tell: the clock was set back in between."""

    begin: str
    end: str | None
    why: str

    @property
    def seconds(self) -> float | None:
        seconds = clock.seconds_between(self.begin, self.end) if self.end else -1.0
        return seconds if seconds >= 0 else None

    @property
    def length(self) -> str:
        if self.end is not None and self.seconds is None:
            return "not known: the clock was set back"
        return duration(self.seconds)


def interruptions(facts: Facts) -> list[Interruption]:
    """Every time that the engine left and was taken up again, and the one that lasts."""
    found: list[Interruption] = []
    left: tuple[str, str] | None = None
    for timed in facts.timeline:
        event = timed.event
        if isinstance(event, ev.EngineStopped | ev.RunSuspended):
            left = (timed.time, event.reason)
        elif isinstance(event, ev.RunFailed):
            left = (timed.time, f"a phase could not be finished: {event.reason}")
        elif isinstance(event, ev.EngineStarted):
            if event.silent_since:
                left = (event.silent_since, "the engine was killed or the machine went down")
            if left and event.session > 1:
                found.append(Interruption(left[0], timed.time, left[1]))
            left = None
        elif isinstance(event, ev.RunAbandoned) and left:
            found.append(Interruption(left[0], timed.time, f"{left[1]}; it was not taken up again"))
    return [*found, *_lasting(facts, left)]


def interruptions_section(facts: Facts) -> str:
    """Both tables, or that there was nothing."""
    parts = []
    if pauses := interruptions(facts):
        rows = [
            (moment(pause.begin), moment(pause.end) if pause.end else "it still is", pause.length,
             escape(pause.why))
            for pause in pauses
        ]  # fmt: skip
        parts.append(table(["the engine was away from", "to", "length", "why"], rows, right=[2]))
    if cut := cut_short(facts):
        parts.append(
            f"{count(len(cut), 'attempt')} ended before the trial did; each trial went on from its last "
            "checkpoint:"
        )
        header = ["time", "trial", "attempt", "failure", "after step", "taken up after", "error"]
        parts.append(table(header, [_row(attempt) for attempt in cut], right=[4, 5]))
    return "\n\n".join(parts) or "None: the run went through in one piece."


def _row(attempt: CutShort) -> tuple[str, ...]:
    error = code(attempt.error, 120) if attempt.error else ""
    again = "not taken up" if attempt.taken_up_after is None else duration(attempt.taken_up_after)
    step = "–" if attempt.step is None else str(attempt.step)
    time, number = moment(attempt.time), str(attempt.attempt)
    return time, attempt.trial, number, escape(attempt.failure), step, again, error


def _lasting(facts: Facts, left: tuple[str, str] | None) -> list[Interruption]:
    if facts.status is not RunStatus.SUSPENDED:
        return []
    begin, why = left or (facts.until, "no engine drives the run; this is its last sign of life")
    return [Interruption(begin, None, why)]
