"""What the end of an attempt means, as a pure function of the trial so far and of how its worker went."""

from __future__ import annotations

import signal

import pytest

from staycourse.core.events import AttemptFailed, TrialEnded, TrialPlanned
from staycourse.core.outcome import Failure, Outcome
from staycourse.core.sections import Limits
from staycourse.core.state import TrialState
from staycourse.supervise.verdicts import End, judge

PLAN = TrialPlanned("t1", 0, "point-1", {"lr": 0.1}, 5, 5)
RAISED = {"type": "failed", "failure": "error", "error": "ValueError: no", "step": 7, "epoch": 1}
NO_MEMORY = RAISED | {"failure": "out of memory", "error": "MemoryError"}


def after(*errors: tuple[str, str, int], failures: int = 0) -> TrialState:
    return TrialState(PLAN, errors=errors, failures=failures)


def how(last: dict | None = None, code: int = 0, **more: object) -> End:
    return End(last=last, code=code, step=7, has_progress=bool(more.pop("has_progress", False)), **more)


@pytest.mark.parametrize(
    ("end", "failure"),
    [
        (how(code=-signal.SIGKILL), Failure.INTERRUPTED),
        (how(code=-signal.SIGTERM), Failure.INTERRUPTED),
        (how(code=-signal.SIGHUP), Failure.INTERRUPTED),
        (how(code=-signal.SIGSEGV), Failure.CRASHED),
        (how(code=-signal.SIGABRT), Failure.CRASHED),
        (how(code=3), Failure.CRASHED),
        (how(code=0), Failure.CRASHED),
        (how(code=-signal.SIGKILL, is_hung=True), Failure.HUNG),
        (how(code=-signal.SIGKILL, is_out_of_memory=True), Failure.CRASHED),
        (how(code=-signal.SIGKILL, is_stopping=True), Failure.INTERRUPTED),
        (how({"type": "interrupted", "step": 7, "epoch": 1}), Failure.INTERRUPTED),
        (how(RAISED), Failure.ERROR),
        (how(NO_MEMORY), Failure.OUT_OF_MEMORY),
        (how(NO_MEMORY, is_crowded=True), Failure.CROWDED),
    ],
)
def test_a_first_failure_leaves_the_trial_owed(end: End, failure: Failure) -> None:
    event = judge(after(), 1, end, limits=Limits(retries=2))
    assert isinstance(event, AttemptFailed)
    assert (event.failure, event.step, event.attempt) == (failure, 7, 1)
    assert event.error


def test_the_same_exception_at_the_same_step_is_the_set_ups_own_fault() -> None:
    before = after(("error", "ValueError: no", 7))
    event = judge(before, 2, how(RAISED), limits=Limits(retries=2))
    assert isinstance(event, TrialEnded)
    assert (event.outcome, event.rule) == (Outcome.FAULTY, "failure")
    assert "ValueError: no" in event.detail


@pytest.mark.parametrize("other", [{"step": 8}, {"error": "ValueError: yes"}])
def test_another_exception_or_another_step_gets_another_attempt(other: dict) -> None:
    event = judge(after(("error", "ValueError: no", 7)), 2, how(RAISED | other), limits=Limits(retries=2))
    assert isinstance(event, AttemptFailed)


def test_exceptions_that_never_repeat_end_as_well() -> None:
    before = after(*(("error", f"ValueError: {n}", n) for n in range(3)))
    assert isinstance(judge(before, 4, how(RAISED), limits=Limits(retries=2)), TrialEnded)


@pytest.mark.parametrize(
    ("code", "is_hung", "outcome"), [(3, False, Outcome.CRASHED), (-9, True, Outcome.HUNG)]
)
def test_deaths_without_a_new_checkpoint_use_up_the_retries(
    code: int, is_hung: bool, outcome: Outcome
) -> None:
    end = how(code=code, is_hung=is_hung)
    assert isinstance(judge(after(failures=1), 2, end, limits=Limits(retries=2)), AttemptFailed)
    event = judge(after(failures=2), 3, end, limits=Limits(retries=2))
    assert isinstance(event, TrialEnded)
    assert event.outcome == outcome
    assert isinstance(
        judge(after(failures=2), 3, how(code=3, has_progress=True), limits=Limits(retries=2)), AttemptFailed
    )


def test_no_retries_means_the_first_crash_is_the_last() -> None:
    assert isinstance(judge(after(), 1, how(code=3), limits=Limits(retries=0)), TrialEnded)


def test_interruptions_are_never_counted() -> None:
    before = after(*[("interrupted", "killed from outside by SIGKILL", 7)] * 50, failures=2)
    assert isinstance(judge(before, 51, how(code=-signal.SIGKILL), limits=Limits(retries=2)), AttemptFailed)


def test_out_of_memory_is_tried_once_more_and_a_crowded_device_for_ever() -> None:
    again = judge(after(("out of memory", "MemoryError", 7)), 2, how(NO_MEMORY), limits=Limits(retries=2))
    assert isinstance(again, TrialEnded)
    assert again.outcome == Outcome.OUT_OF_MEMORY
    crowded = after(*[("crowded", "CUDA out of memory", 7)] * 20)
    assert isinstance(
        judge(crowded, 21, how(NO_MEMORY, is_crowded=True), limits=Limits(retries=0)), AttemptFailed
    )


def test_a_rule_ends_a_trial_whatever_the_exit_code() -> None:
    last = {
        "type": "ended", "outcome": "completed", "rule": "patience", "detail": "no better for 5",
        "epoch": 9, "step": 90, "best": {"epoch": 4, "value": 0.5}, "curve": [[4, 0.5]], "seconds": 1.23456,
        "files": {"last.pt": {"sha256": "a", "bytes": 1}},
    }  # fmt: skip
    event = judge(after(), 1, how(last, code=-9), limits=Limits(retries=2))
    assert isinstance(event, TrialEnded)
    assert (event.outcome, event.rule, event.epochs, event.best_epoch) == ("completed", "patience", 9, 4)
    assert event.files == last["files"]
