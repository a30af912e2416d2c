"""What every kind of phase is: a pure function of what came before."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from staycourse.core.fields import Finish, Section, Stop
from staycourse.core.handoff import Handoff
from staycourse.core.job import StopSpec
from staycourse.core.problems import KeyPath, Problem
from staycourse.core.schedules import Schedule
from staycourse.core.space import Space, Value
from staycourse.core.trial import Trial


@dataclass(frozen=True)
class Need:
    """A trial that a phase wants.

    `key` names it within the phase. Its set-up is `setup`, or the search's proposal number `proposal`
    (from 1). `share` is the share of the data, `split` whether validation is held out, `parent` the id of
    the trial whose last checkpoint it goes on from.
    """

    key: str
    epochs: int
    horizon: int
    setup: Mapping[str, Value] | None = None
    proposal: int | None = None
    repetition: int = 0
    share: float = 1.0
    split: bool = True
    stop: StopSpec | None = None
    parent: str | None = None
    name: str = ""


@dataclass(frozen=True)
class SearchSpec:
    """How proposals are made: the search's name, how many in all, and how many may be in flight.

    A search that follows another one within the phase has its own `space`, and begins with the phase's
    proposal number `first`; what came before is known to it. Without a `space` it is the one handed on.
    """

    optimizer: str
    budget: int
    parallel: int
    space: Space | None = None
    first: int = 1


@dataclass(frozen=True)
class Decision:
    """Every trial that the phase is known to need so far, in order; and its handoff once it is done, or
    the reason why it cannot be finished.

    `search` makes the proposals from here on where it is not the one that the phase began with. `question`
    is what the search's process has to be asked (JSON values, answered by `search.region.estimate`) before
    the phase can decide; the answer comes in `Before.estimates`.
    """

    needs: tuple[Need, ...] = ()
    handoff: Handoff | None = None
    failure: str | None = None
    search: SearchSpec | None = None
    question: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Before:
    """What a phase knows: the roadmap's goal, the handoff of the phase before, and the answers to its own
    questions, in the order in which it asked."""

    goal: str
    handoff: Handoff
    estimates: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Planned:
    """A phase in the queue before anything has run: upper bounds of trials and epochs."""

    kind: str
    trials: int
    epochs_per_trial: int
    total_epochs: int
    share: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outlook:
    """What is known of the earlier phases before anything has run.

    `ranked` is how many ranked set-ups they hand on at most (0: none was ranked), `valued` whether they
    know a best value for every hyperparameter, `horizon` the schedule's length that was measured. `known`
    are the hyperparameters with a best value where not all have one: those of an earlier run.
    """

    space: Space
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    ranked: int = 0
    valued: bool = False
    horizon: int | None = None
    known: frozenset[str] = frozenset()


class Phase(Section):
    """A phase as the roadmap declares it. A kind is one subclass in one file of this package.

    `RANKS` says whether the kind hands on a ranking of its own, `TAKES_RANKING` whether it trains the
    ranked set-ups that it was handed.
    """

    KIND: ClassVar[str]
    RANKS: ClassVar[bool] = True
    TAKES_RANKING: ClassVar[bool] = False
    kind: str

    @abstractmethod
    def check(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        """What cannot work, given the phases before."""

    @abstractmethod
    def plan(self, outlook: Outlook) -> Planned:
        """Upper bounds of trials and epochs; only called where `check` found nothing."""

    @abstractmethod
    def after(self, outlook: Outlook) -> Outlook:
        """The outlook for the next phase."""

    @abstractmethod
    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        """What is needed next, given this phase's own trials in the order of their planning."""

    def warnings(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        """What will work and is probably not meant."""
        return []

    def search(self) -> SearchSpec | None:
        """How proposals are made, None if this kind makes its set-ups itself."""
        return None

    def with_metrics(self, reported: Iterable[str]) -> Self:
        """The same phase, its rules' metrics by the names that the task reports."""
        changed: dict[str, Any] = {}
        for name in ("stop", "finish"):
            section = getattr(self, name, None)
            if isinstance(section, (Stop, Finish)):
                changed[name] = section.with_metrics(reported)
        return self.model_copy(update=changed)

    def miniature(self) -> Phase:
        """The same phase for a rehearsal: two set-ups, two epochs."""
        return self

    @property
    def last_rule_free_epoch(self) -> int | None:
        """The last epoch before `stop` can end a trial, None if there is no `stop`."""
        stop = getattr(self, "stop", None)
        return stop.free_epochs if isinstance(stop, Stop) else None


def all_ended(trials: Sequence[Trial], needs: Sequence[Need]) -> bool:
    """Whether every need has a trial that has ended."""
    ended = {trial.key for trial in trials if trial.outcome is not None}
    return all(need.key in ended for need in needs)


def failure_words(trials: Sequence[Trial]) -> str:
    """Why a phase without any score cannot be finished."""
    counts: dict[str, int] = {}
    for trial in trials:
        if trial.outcome is not None:
            words = str(trial.outcome)
            if trial.outcome.is_ranked:
                words += " with a metric that was never a finite number"
            counts[words] = counts.get(words, 0) + 1
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return f"none of its {len(trials)} trials has a score ({said})"
