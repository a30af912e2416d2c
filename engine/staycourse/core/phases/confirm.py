"""confirm: the best set-ups on all the data, over several seeds, until convergence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from staycourse.core.expected import expected, flat_epochs
from staycourse.core.fields import Count, PatienceStop, Share
from staycourse.core.handoff import Handoff, Ranked
from staycourse.core.noise import from_curves
from staycourse.core.phases.base import (
    Before,
    Decision,
    Need,
    Outlook,
    Phase,
    Planned,
    all_ended,
    failure_words,
)
from staycourse.core.problems import KeyPath, Problem
from staycourse.core.ranking import best_values, ranked_setups
from staycourse.core.trial import Trial
from staycourse.core.versus import versus


class Confirm(Phase):
    """Every handed-on set-up with `seeds` seeds; the same seeds, and so the same order of the same data,
    for every set-up. Hands on the ranking and the best epoch."""

    KIND: ClassVar[str] = "confirm"
    TAKES_RANKING: ClassVar[bool] = True
    kind: Literal["confirm"]
    seeds: Count = 3
    epochs: Count
    stop: PatienceStop | None = None
    data: Share = 1.0

    def check(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        if outlook.ranked:
            return []
        right = "put a grid or a narrow phase before it"
        return [Problem(path, "confirm needs ranked set-ups, and no earlier phase ranks any", right)]

    def plan(self, outlook: Outlook) -> Planned:
        count = outlook.ranked * self.seeds
        note = f"{outlook.ranked} set-ups with {self.seeds} seed{'s' if self.seeds > 1 else ''} each"
        return Planned(self.kind, count, self.epochs, count * self.epochs, self.data, (note,))

    def after(self, outlook: Outlook) -> Outlook:
        return replace(outlook, valued=True, horizon=self.epochs)

    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        stop = self.stop.spec() if self.stop else None
        needs = tuple(
            Need(
                key=f"setup-{place}-seed-{repetition}",
                epochs=self.epochs,
                horizon=self.epochs,
                setup=ranked.setup,
                repetition=repetition,
                share=self.data,
                stop=stop,
                name=ranked.name,
            )
            for repetition in range(self.seeds)
            for place, ranked in enumerate(before.handoff.ranking, start=1)
        )
        if not all_ended(trials, needs):
            return Decision(needs)
        ranking = tuple(ranked_setups(trials, before.goal))
        if not ranking:
            return Decision(needs, failure=failure_words(trials))
        space = before.handoff.space
        handoff = Handoff(
            space=space,
            ranking=ranking,
            best_values=best_values(trials, before.goal, space, before.handoff.best_values)
            | dict(ranking[0].setup),
            horizon=self.epochs,
            findings=self._findings(ranking, trials, before.goal),
        )
        return Decision(needs, handoff=handoff)

    def _findings(self, ranking: Sequence[Ranked], trials: Sequence[Trial], goal: str) -> dict[str, Any]:
        """The evidence beside the ranking: differences, what the winner will give, how flat its best is."""
        winner = [trial for trial in trials if trial.id in ranking[0].trials]
        return {
            "seeds": self.seeds,
            "versus": versus(ranking, trials),
            "expected": expected(ranking, trials, goal),
            "flat": flat_epochs(ranking[0], trials, goal, from_curves(winner)),
        }

    def miniature(self) -> Confirm:
        return self.model_copy(update={"seeds": min(2, self.seeds), "epochs": min(2, self.epochs)})
