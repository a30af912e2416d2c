"""Gates: what experience tells to look at when a phase ends. One file a gate, found by itself.

They come from Godbole, Dahl, Gilmer, Shallue and Nado, Deep Learning Tuning Playbook (2023), "Extracting
insight from experimental results" and "Deciding how long to train". A gate decides nothing: what it finds
goes into the ledger with the handoff, and from there into the report.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal, Protocol

from staycourse.core.courses import Course
from staycourse.core.phases.base import Before, Phase
from staycourse.core.trial import Trial

Level = Literal["warning", "note", "fine", "cannot tell"]
LEVELS: tuple[Level, ...] = ("warning", "note", "fine", "cannot tell")

# What is said of "the best" set-ups is said of the best quarter, at least three and at most ten: one alone
# may be lucky, and the playbook looks at the best few.
_BEST_SHARE, _LEAST, _MOST = 0.25, 3, 10


@dataclass(frozen=True)
class Finding:
    """What a gate saw: `found` with figures, what it `means` and what to `change` next time (both empty
    unless the level is a warning or a note); `figures` are JSON values."""

    gate: str
    level: Level
    found: str
    means: str = ""
    change: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Closing:
    """A phase at its end, as a gate sees it; `courses` are its set-ups with a score, best first."""

    phase: Phase
    before: Before
    trials: Sequence[Trial]
    courses: Sequence[Course]

    @property
    def goal(self) -> str:
        return self.before.goal

    @property
    def best_few(self) -> Sequence[Course]:
        """The best of the set-ups that were allowed the most epochs, best first."""
        return self.whole[: min(_MOST, max(_LEAST, math.ceil(len(self.whole) * _BEST_SHARE)))]

    @property
    def whole(self) -> Sequence[Course]:
        """The set-ups that were allowed the most epochs, best first."""
        return [course for course in self.courses if course.allowed == self.courses[0].allowed]

    @property
    def is_until_convergence(self) -> bool:
        """Whether the phase means to train to the end: a search and a bare grid train as long as it takes
        to compare."""
        is_short = self.phase.kind in ("narrow", "grid")
        return not is_short or getattr(self.phase, "finish", None) is not None


class Gate(Protocol):
    """Looks at one thing in the phases of its `KINDS`; at least one finding, more where several
    hyperparameters are concerned. It has no state, and its findings are equal for equal phases."""

    NAME: ClassVar[str]
    KINDS: ClassVar[frozenset[str]]

    def look(self, closing: Closing) -> list[Finding]:
        """What there is to see, also if that is nothing."""


@cache
def gates() -> tuple[Gate, ...]:
    """Every gate there is."""
    found: list[Gate] = []
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "NAME"):
                found.append(value())
    return tuple(found)


def look(closing: Closing) -> list[dict[str, Any]]:
    """The findings of all gates that the phase's kind has, as JSON values, the most serious first."""
    found = [
        finding for gate in gates() if closing.phase.kind in gate.KINDS for finding in gate.look(closing)
    ]
    return [asdict(finding) for finding in sorted(found, key=lambda each: LEVELS.index(each.level))]


def rounded(value: float) -> float:
    """Four significant digits: figures of a finding are for reading."""
    return float(f"{value:.4g}")
