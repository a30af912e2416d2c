"""What the end of an attempt means: the trial has ended, or is owed."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from staycourse.core.events import AttemptFailed, TrialEnded
from staycourse.core.out_of_memory import fewer_at_once
from staycourse.core.outcome import Failure, Outcome
from staycourse.core.schedules import DEFAULT_BATCH_SIZE
from staycourse.core.sections import Limits
from staycourse.core.state import TrialState
from staycourse.core.text import one_line

# Sent from outside: by a person, a scheduler, a shutdown. A fault of the set-up's never shows as these.
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}


@dataclass(frozen=True)
class End:
    """How a worker went: its closing message if it had one, its exit code (minus a signal's number), and
    what the supervisor knows: it killed a hang, the kernel ran out of memory, others are on the GPU."""

    last: Mapping[str, Any] | None
    code: int
    step: int
    has_progress: bool
    is_hung: bool = False
    is_out_of_memory: bool = False
    is_crowded: bool = False
    is_stopping: bool = False


def judge(trial: TrialState, number: int, end: End, limits: Limits) -> AttemptFailed | TrialEnded:
    """The event that the end of attempt `number` is. A TrialEnded still lacks its digests."""
    last = end.last or {}
    if last.get("type") == "ended":
        return _ended(trial, last)
    failure, error = _failure(end)
    step = int(last.get("step", end.step))
    failed = AttemptFailed(trial.id, number, str(failure), error, step, end.has_progress)
    if failure is Failure.OUT_OF_MEMORY:
        failed = replace(failed, at_once=_fewer_at_once(trial, last, limits))
    outcome = _final_outcome(trial, failed, failure, limits.retries)
    if outcome is None:
        return failed
    detail = f"{error} (step {step}, attempt {number})"
    return TrialEnded(trial.id, str(outcome), "failure", detail, int(last.get("epoch", 0)), step, [], 0.0)


def _ended(trial: TrialState, last: Mapping[str, Any]) -> TrialEnded:
    best = last.get("best") or {}
    return TrialEnded(
        trial=trial.id,
        outcome=last["outcome"],
        rule=last["rule"],
        detail=one_line(last["detail"]),
        epochs=last["epoch"],
        steps=last["step"],
        curve=last["curve"],
        seconds=round(last["seconds"], 3),
        best_epoch=best.get("epoch"),
        best_value=best.get("value"),
        files=last.get("files", {}),
    )


def _failure(end: End) -> tuple[Failure, str]:
    last = end.last or {}
    if end.is_stopping or last.get("type") == "interrupted":
        return Failure.INTERRUPTED, "the engine stopped"
    if last.get("type") == "failed":
        return _told(last, end.is_crowded), one_line(last["error"])
    if end.is_hung:
        return Failure.HUNG, "no step was finished for hang_after"
    if end.is_out_of_memory:
        return Failure.CRASHED, "killed by the kernel, which had run out of memory"
    return _by_code(end.code)


def _told(last: Mapping[str, Any], is_crowded: bool) -> Failure:
    if last["failure"] != "out of memory":
        return Failure.ERROR
    return Failure.CROWDED if is_crowded else Failure.OUT_OF_MEMORY


def _by_code(code: int) -> tuple[Failure, str]:
    if code >= 0:
        return Failure.CRASHED, f"the worker left with exit code {code}"
    if -code in _FROM_OUTSIDE:
        return Failure.INTERRUPTED, f"killed from outside by {_signal_name(-code)}"
    return Failure.CRASHED, f"the worker died of {_signal_name(-code)}"


def _final_outcome(
    trial: TrialState, failed: AttemptFailed, failure: Failure, retries: int
) -> Outcome | None:
    """The trial's outcome if this failure is its last, None if it is owed another attempt."""
    before = trial.errors
    if failure is Failure.OUT_OF_MEMORY:
        return Outcome.OUT_OF_MEMORY if _has_run_out(trial) and failed.at_once is None else None
    if failure is Failure.ERROR:
        is_same = (str(failure), failed.error, failed.step) in before
        count = sum(kind == str(failure) for kind, _, _ in before)
        return Outcome.FAULTY if is_same or count >= retries + 1 else None
    if not failure.is_counted:
        return None
    failures = (0 if failed.has_progress else trial.failures) + 1
    if failures <= retries:
        return None
    return Outcome.HUNG if failure is Failure.HUNG else Outcome.CRASHED


def _has_run_out(trial: TrialState) -> bool:
    return any(kind == str(Failure.OUT_OF_MEMORY) for kind, _, _ in trial.errors)


def _fewer_at_once(trial: TrialState, last: Mapping[str, Any], limits: Limits) -> int | None:
    """What is tried after the second end of memory; the first may have been somebody else's fault."""
    at_once = int(last.get("at_once", 0))
    if not at_once or not _has_run_out(trial):
        return None
    batch_size = int(trial.plan.setup.get("batch_size", DEFAULT_BATCH_SIZE))
    return fewer_at_once(at_once, batch_size, is_allowed=limits.on_oom == "accumulate")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
