"""The declared length of a trial, in epochs and in hours."""

from __future__ import annotations

from dataclasses import dataclass

from staycourse.core.rules import Ending, Progress


@dataclass(frozen=True)
class EpochLimit:
    """Ends a trial after `epochs` epochs."""

    epochs: int

    def verdict(self, progress: Progress) -> Ending | None:
        if progress.epoch < self.epochs:
            return None
        return Ending("epochs", f"all {self.epochs} epochs done")

    def describe(self) -> str:
        return f"{self.epochs} epochs at most"

    def nearness(self, progress: Progress) -> str:
        return f"epoch {progress.epoch}/{self.epochs}"


@dataclass(frozen=True)
class TimeLimit:
    """Ends a trial at the first epoch's end after `hours` hours of training."""

    hours: float

    def verdict(self, progress: Progress) -> Ending | None:
        if progress.seconds < self.hours * 3600:
            return None
        return Ending("trial_hours", f"{self.hours:g} hours of training are over")

    def describe(self) -> str:
        return f"{self.hours:g} hours at most"

    def nearness(self, progress: Progress) -> str:
        return f"{progress.seconds / 3600:.1f}/{self.hours:g} h"
