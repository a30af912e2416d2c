"""Rules: what may end a trial, declared before the first result. One file a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Progress:
    """What a rule may look at, at the end of an epoch.

    `epoch` counts finished epochs; `curve` holds (epoch, value) of the metric that the trial's `stop`
    watches, oldest first; `seconds` is the time spent training, over all attempts.
    """

    epoch: int
    curve: Sequence[tuple[int, float]]
    seconds: float


@dataclass(frozen=True)
class Ending:
    """A rule has fired: its name, and the sentence that the record and the report hold."""

    rule: str
    detail: str


class Rule(Protocol):
    """A rule looks at a trial's progress and ends it or does not; it has no state of its own."""

    def verdict(self, progress: Progress) -> Ending | None:
        """The ending if the rule fires now."""

    def describe(self) -> str:
        """The rule in words, for screen and report."""

    def nearness(self, progress: Progress) -> str:
        """How near it is to firing, `patience 2/5`."""


def first_to_fire(rules: Sequence[Rule], progress: Progress) -> Ending | None:
    """The ending of the first rule, in the order of declaration, that fires."""
    for rule in rules:
        if ending := rule.verdict(progress):
            return ending
    return None
