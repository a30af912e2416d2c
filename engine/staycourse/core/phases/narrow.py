"""narrow: a search over a wide range hands on a narrower one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from staycourse.core.boundary import Touch, grown, touched
from staycourse.core.fields import Count
from staycourse.core.handoff import Handoff
from staycourse.core.narrowing import kept, narrowed
from staycourse.core.past import told
from staycourse.core.phases.base import (
    Before,
    Decision,
    Need,
    Outlook,
    Planned,
    SearchSpec,
    all_ended,
    failure_words,
)
from staycourse.core.phases.searched import SearchedPhase
from staycourse.core.ranking import best_values, distinct, ranked_trials
from staycourse.core.space import Space, to_json
from staycourse.core.trial import Trial, rank

RANKED = 3
# Fewer results than this say nothing of where the best set-ups lie.
LEAST_RESULTS = 5


class Narrow(SearchedPhase):
    """Proposals of `optimizer`, made from the results so far, `parallel` of them in flight.

    Hands on the narrower space, and its best three set-ups for roadmaps without a grid. The space holds the
    optimum with `confidence`, by a model of all results. What happens where the best region touches a bound,
    `at_boundary` says; "expand" grows the space there, once, and searches it with a third more proposals.
    """

    KIND: ClassVar[str] = "narrow"
    kind: Literal["narrow"]
    optimizer: str = "bayes"
    parallel: Count = 1
    confidence: Annotated[float, Field(ge=0.5, lt=1.0)] = 0.9
    at_boundary: Literal["expand", "warn", "stop"] = "expand"

    @property
    def more(self) -> int:
        """How many proposals follow where the space grows."""
        return math.ceil(self.trials / 3) if self.at_boundary == "expand" else 0

    def plan(self, outlook: Outlook) -> Planned:
        planned = super().plan(outlook)
        if not self.more or self.trials < LEAST_RESULTS:
            return planned
        most = self.trials + self.more
        note = f"{self.more} of them only if the best region touches a bound"
        return replace(planned, trials=most, total_epochs=most * self.epochs, notes=(note,))

    def after(self, outlook: Outlook) -> Outlook:
        return replace(outlook, valued=True, ranked=min(RANKED, self.trials), horizon=self.epochs)

    def search(self) -> SearchSpec:
        return SearchSpec(self.optimizer, self.trials, self.parallel)

    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        needs, space = self.known_needs(trials, self.parallel), before.handoff.space
        if len(needs) < self.trials or not all_ended(trials, needs):
            return Decision(needs)
        scored = len(rank(trials, before.goal))
        if not scored:
            return Decision(needs, failure=failure_words(trials))
        if scored < LEAST_RESULTS:
            reason = f"{scored} of {len(trials)} trials have a score; a model needs {LEAST_RESULTS}"
            return Decision(needs, handoff=self._handoff(before, trials, *kept(space, reason)))
        if not before.estimates:
            return Decision(needs, question=self._question(before, trials, space))
        return self._at_bounds(before, trials, needs, touched(space, before.estimates[0]))

    def _at_bounds(
        self, before: Before, trials: Sequence[Trial], needs: tuple[Need, ...], touches: list[Touch]
    ) -> Decision:
        """Done, unless the best region touches a bound."""
        if touches and self.at_boundary == "stop":
            return Decision(needs, failure=_stop_words(touches))
        larger = grown(before.handoff.space, touches) if self.at_boundary == "expand" else None
        if larger is not None:
            return self._expanded(before, trials, larger, touches)
        space, findings = narrowed(before.handoff.space, before.estimates[0])
        said = [touch.words if self.at_boundary == "warn" else touch.growth for touch in touches]
        return Decision(needs, handoff=self._handoff(before, trials, space, findings | {"warnings": said}))

    def _expanded(
        self, before: Before, trials: Sequence[Trial], space: Space, touches: list[Touch]
    ) -> Decision:
        """More proposals in the grown space, then the region again."""
        total = self.trials + self.more
        search = SearchSpec(self.optimizer, self.more, self.parallel, space, self.trials + 1)
        needs = self.known_needs(trials, self.parallel, total)
        if len(needs) < total or not all_ended(trials, needs):
            return Decision(needs, search=search)
        if len(before.estimates) < 2:
            return Decision(needs, search=search, question=self._question(before, trials, space))
        handed, findings = narrowed(space, before.estimates[1])
        said = {
            "expanded": [touch.growth for touch in touches],
            "warnings": [f"{touch.words} still" for touch in touched(space, before.estimates[1])],
        }
        return Decision(needs, handoff=self._handoff(before, trials, handed, findings | said), search=search)

    def _question(self, before: Before, trials: Sequence[Trial], space: Space) -> Mapping[str, Any]:
        return {
            "space": to_json(space),
            "goal": before.goal,
            "confidence": self.confidence,
            "trials": told(trials, before.goal),
        }

    def _handoff(
        self, before: Before, trials: Sequence[Trial], space: Space, findings: dict[str, Any]
    ) -> Handoff:
        return Handoff(
            space=space,
            ranking=tuple(distinct(ranked_trials(trials, before.goal))[:RANKED]),
            best_values=best_values(trials, before.goal, space, before.handoff.best_values),
            horizon=self.epochs,
            findings=findings,
        )

    def miniature(self) -> Narrow:
        return self.model_copy(update={"trials": min(2, self.trials), "epochs": min(2, self.epochs)})


def _stop_words(touches: Sequence[Touch]) -> str:
    said = "; ".join(touch.words for touch in touches)
    return f'{said}: widen [space] there, or let at_boundary = "expand" do it, in a new roadmap'
