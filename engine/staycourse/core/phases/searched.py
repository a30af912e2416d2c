"""What the phases have in common whose set-ups a search proposes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from staycourse.core.fields import Count, SearchStop, Share
from staycourse.core.phases.base import Need, Outlook, Phase, Planned
from staycourse.core.phases.comparing import first_batch, stop_spec
from staycourse.core.problems import KeyPath, Problem
from staycourse.core.trial import Trial

# Every other name is looked up in Nevergrad's registry.
OWN_OPTIMIZERS = ("bayes", "quasi-random", "random")


class SearchedPhase(Phase):
    """`trials` proposals, each trained for `epochs` epochs at most."""

    trials: Count
    epochs: Count
    stop: SearchStop | None = None
    data: Share = 1.0

    def check(self, outlook: Outlook, path: KeyPath) -> list[Problem]:
        if not outlook.space.searched:
            right = "give a range or a choice, or list the set-ups in a compare phase"
            return [Problem(path, f"{self.kind} has nothing to search: every hyperparameter is fixed", right)]
        return []

    def plan(self, outlook: Outlook) -> Planned:
        return Planned(self.kind, self.trials, self.epochs, self.trials * self.epochs, self.data)

    def need(self, proposal: int, trials: Sequence[Trial] = (), parallel: int = 1) -> Need:
        """The trial of one proposal; `trials` are those of the phase so far."""
        known = proposal - parallel
        if parallel >= self.trials and self.stop and self.stop.median:
            known = self.stop.median.after if proposal > self.stop.median.after else 0
        return Need(
            key=_key(proposal),
            proposal=proposal,
            epochs=self.epochs,
            horizon=self.epochs,
            share=self.data,
            stop=stop_spec(self.stop, [_key(k) for k in range(1, known + 1)], trials),
        )

    def known_needs(
        self, trials: Sequence[Trial], parallel: int, most: int | None = None
    ) -> tuple[Need, ...]:
        """Proposals that may be made now, of `most` (`trials` without it) in all: k once trials
        1..k-parallel have ended."""
        ended = {trial.key for trial in trials if trial.outcome is not None}
        first_open = next(k for k in count(1) if _key(k) not in ended)
        last = min(most or self.trials, first_open - 1 + parallel)
        if parallel >= self.trials:
            last = first_batch(self.stop, [_key(k) for k in range(1, last + 1)], trials)
        return tuple(self.need(k, trials, parallel) for k in range(1, last + 1))


def _key(proposal: int) -> str:
    return f"proposal-{proposal}"
