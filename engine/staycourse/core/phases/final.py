"""final: the winner on all the data, for the epochs at which it was best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from staycourse.core.fields import Count
from staycourse.core.phases.base import Before, Decision, Need, Outlook, Phase, Planned, all_ended
from staycourse.core.problems import KeyPath, Problem
from staycourse.core.trial import Trial


class Final(Phase):
    """Trains with the horizon under which the winner was measured and stops at its best epoch, so that
    the schedule is the one that was measured. `data = "split"` leaves the validation part out."""

    KIND: ClassVar[str] = "final"
    RANKS: ClassVar[bool] = False
    TAKES_RANKING: ClassVar[bool] = True
    kind: Literal["final"]
    data: Literal["all", "split"] = "all"
    epochs: Count | Literal["best"] = "best"

    def check(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        if outlook.ranked:
            return []
        right = "put a grid and a confirm phase before it"
        return [Problem(path, "final comes before anything was ranked", right)]

    def plan(self, outlook: Outlook) -> Planned:
        if self.epochs == "best":
            assert outlook.horizon is not None, "what ranks has a horizon"
            return Planned(self.kind, 1, outlook.horizon, outlook.horizon, 1.0, ("as many as were best",))
        return Planned(self.kind, 1, self.epochs, self.epochs, 1.0)

    def after(self, outlook: Outlook) -> Outlook:
        return outlook

    def decide(self, before: Before, trials: Sequence[Trial]) -> Decision:
        winner = before.handoff.ranking[0]
        epochs = winner.epoch if self.epochs == "best" else self.epochs
        horizon = max(epochs, before.handoff.horizon or epochs)
        is_split = self.data == "split"
        need = Need("final", epochs, horizon, winner.setup, split=is_split, name=winner.name)
        if not all_ended(trials, (need,)):
            return Decision((need,))
        trial = trials[-1]
        if trial.outcome is None or not trial.outcome.is_ranked:
            return Decision((need,), failure=f"the final training ended as {trial.outcome}")
        data = "the training part" if is_split else "all the data"
        weights = {"trial": trial.id, "epochs": trial.epochs_done, "data": data}
        return Decision((need,), handoff=replace(before.handoff, findings={"weights": weights}))

    def miniature(self) -> Final:
        """Two epochs: the best of so few may be the first, and what shows in the second would be missed."""
        return self.model_copy(update={"epochs": 2 if self.epochs == "best" else min(2, self.epochs)})
