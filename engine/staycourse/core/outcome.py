"""How a trial can end, and how one attempt at it can fail."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """The end of a trial. Failures are outcomes with names, never gaps in the record."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out of memory"
    FAULTY = "faulty"
    HUNG = "hung"
    CRASHED = "crashed"

    @property
    def is_ranked(self) -> bool:
        """A completed trial has a score; no other has one."""
        return self is Outcome.COMPLETED

    @property
    def is_infeasible(self) -> bool:
        """The set-up's own fault: a search hears of it."""
        return self in (Outcome.DIVERGED, Outcome.OUT_OF_MEMORY, Outcome.FAULTY)


class Failure(StrEnum):
    """The end of one attempt that is not yet the end of its trial."""

    INTERRUPTED = "interrupted"
    CRASHED = "crashed"
    HUNG = "hung"
    ERROR = "error"
    OUT_OF_MEMORY = "out of memory"
    CROWDED = "crowded"

    @property
    def is_counted(self) -> bool:
        """Whether it uses up one of the roadmap's `retries`."""
        return self in (Failure.CRASHED, Failure.HUNG)
