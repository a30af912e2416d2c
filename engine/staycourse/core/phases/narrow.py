"""narrow: a search over a wide range hands on a narrower one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from staycourse.core.fields import Count
from staycourse.core.handoff import Handoff
from staycourse.core.narrowing import narrow
from staycourse.core.phases.base import Before, Decision, Outlook, SearchSpec, all_ended, failure_words
from staycourse.core.phases.searched import SearchedPhase
from staycourse.core.ranking import best_values, distinct, ranked_trials
from staycourse.core.trial import Trial, rank

RANKED = 3


class Narrow(SearchedPhase):
    """Proposals of `optimizer`, made from the results so far, `parallel` of them in flight.

    Hands on the narrower space, and its best three set-ups for roadmaps without a grid.
    """

    KIND: ClassVar[str] = "narrow"
    kind: Literal["narrow"]
    optimizer: str = "bayes"
    parallel: Count = 1

    def after(self, outlook: Outlook) -> Outlook:
        return replace(outlook, valued=True, ranked=min(RANKED, self.trials), horizon=self.epochs)

    def search(self) -> SearchSpec:
        return SearchSpec(self.optimizer, self.trials, self.parallel)

    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        needs = self.known_needs(trials, self.parallel)
        if len(needs) < self.trials or not all_ended(trials, needs):
            return Decision(needs)
        if not rank(trials, before.goal):
            return Decision(needs, failure=failure_words(trials))
        return Decision(needs, handoff=self._handoff(before, trials))

    def _handoff(self, before: Before, trials: Sequence[Trial]) -> Handoff:
        space, findings = narrow(trials, before.goal, before.handoff.space)
        return Handoff(
            space=space,
            ranking=tuple(distinct(ranked_trials(trials, before.goal))[:RANKED]),
            best_values=best_values(trials, before.goal, space, before.handoff.best_values),
            horizon=self.epochs,
            findings=findings,
        )

    def miniature(self) -> Narrow:
        return self.model_copy(update={"trials": min(2, self.trials), "epochs": min(2, self.epochs)})
