"""What the open phase needs next; proposals come from the search's own process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycourse.core.deciding import decide
from staycourse.core.events import PhaseClosed, PhaseOpened, RegionEstimated, RunFailed, TrialPlanned
from staycourse.core.handoff import Handoff, to_json
from staycourse.core.past import told
from staycourse.core.phases.base import Before, Decision, Need, Phase, SearchSpec
from staycourse.core.roadmap import Roadmap
from staycourse.core.seeds import derive
from staycourse.core.space import to_json as space_to_json
from staycourse.core.state import RunState
from staycourse.core.trial import Trial
from staycourse.record.store import Store


class Planner:
    """Plans trials, opens and closes phases. `failure` is why the open phase cannot be finished."""

    def __init__(self, roadmap: Roadmap, store: Store) -> None:
        self._roadmap = roadmap
        self._store = store
        self._is_stale = True
        self._decision = Decision()

    @property
    def is_done(self) -> bool:
        """Every phase is closed."""
        return len(self._store.state.handoffs) == len(self._roadmap.phases)

    @property
    def phase(self) -> Phase:
        """The phase that is open or next."""
        return self._roadmap.phases[len(self._store.state.handoffs)]

    @property
    def needs_search(self) -> bool:
        """Whether this phase or a later one has a search."""
        left = self._roadmap.phases[len(self._store.state.handoffs) :]
        return any(phase.search() is not None for phase in left)

    def outdate(self) -> None:
        """A trial has ended: the phase has to be asked again."""
        self._is_stale = True

    def advance(self) -> bool:
        """Plan all that can be planned without a proposal. True if a phase was closed."""
        if self.is_done or not self._is_stale:
            return False
        state, index = self._store.state, len(self._store.state.handoffs)
        if state.phase is None:
            self._store.append(PhaseOpened(index))
        trials = [trial.trial() for trial in state.trials_of(index)]
        before = Before(self._roadmap.objective.goal, self._handoff(), state.estimates_of(index))
        self._decision = decide(self.phase, before, trials)
        self._plan_given()
        self._is_stale = False
        if self._decision.failure:
            self._store.append(RunFailed(index, self._decision.failure))
            return False
        if self._decision.handoff is None:
            return False
        self._store.append(PhaseClosed(index, to_json(self._decision.handoff)))
        self._is_stale = True
        return True

    def question(self) -> tuple[str, dict[str, Any]] | None:
        """What the search has to be asked now, and the request; None if there is nothing."""
        if self.is_done or self._is_stale:
            return None
        index = len(self._store.state.handoffs)
        if self._decision.question is not None:
            number = len(self._store.state.estimates_of(index)) + 1
            seed = derive(self._roadmap.seed, "estimate", index, number)
            return "estimate", {**self._decision.question, "seed": seed}
        planned = self._planned_keys()
        need = next((n for n in self._decision.needs if n.setup is None and n.key not in planned), None)
        spec = self._decision.search or self.phase.search()
        return ("propose", self._proposal_request(index, need, spec)) if need and spec else None

    def take(self, kind: str, answer: Mapping[str, Any]) -> None:
        """Record an answer: a proposal as the trial that was waiting for it, an estimate as it is, after
        which the phase has to be asked again."""
        if kind == "estimate":
            self._store.append(RegionEstimated(len(self._store.state.handoffs), dict(answer)))
            self._is_stale = True
            return
        planned = self._planned_keys()
        need = next(n for n in self._decision.needs if n.setup is None and n.key not in planned)
        self._store.append(self._planned(need, answer, 1))

    def _proposal_request(self, index: int, need: Need, spec: SearchSpec) -> dict[str, Any]:
        assert need.proposal is not None
        goal, proposed = self._roadmap.objective.goal, self._proposed(index)
        branch = () if spec.first == 1 else (spec.first,)
        request = {
            "space": space_to_json(spec.space or self._handoff().space),
            "optimizer": spec.optimizer,
            "seed": derive(self._roadmap.seed, "search", index, *branch),
            "goal": goal,
            "budget": spec.budget,
            "parallel": spec.parallel,
            "k": need.proposal - spec.first + 1,
            "history": told(proposed[spec.first - 1 :], goal),
        }
        known = told(proposed[: spec.first - 1], goal)
        return request | {"known": known} if known else request

    def _plan_given(self) -> None:
        planned = self._planned_keys()
        new = [need for need in self._decision.needs if need.setup is not None and need.key not in planned]
        if new:
            self._store.append(*(self._planned(need, need.setup or {}, at) for at, need in enumerate(new, 1)))

    def _planned(self, need: Need, setup: Mapping[str, Any], offset: int) -> TrialPlanned:
        stop = need.stop
        return TrialPlanned(
            trial=f"t{len(self._store.state.trials) + offset}",
            phase=len(self._store.state.handoffs),
            key=need.key,
            setup=dict(setup),
            epochs=need.epochs,
            horizon=need.horizon,
            repetition=need.repetition,
            share=need.share,
            split=need.split,
            stop=stop.to_json() if stop else None,
            parent=need.parent,
            proposal=need.proposal,
            name=need.name,
        )

    def _handoff(self) -> Handoff:
        handoffs = self._store.state.handoffs
        return handoffs[-1] if handoffs else self._roadmap.first_handoff

    def _planned_keys(self) -> set[str]:
        return {trial.plan.key for trial in self._store.state.trials_of(len(self._store.state.handoffs))}

    def _proposed(self, index: int) -> list[Trial]:
        trials = [t for t in self._store.state.trials_of(index) if t.plan.proposal is not None]
        return [t.trial() for t in sorted(trials, key=lambda trial: trial.plan.proposal or 0)]


def same_failures(state: RunState, phase: int, session: int) -> tuple[str, int]:
    """The commonest failure among this phase's trials that ended in this session, and how many had it."""
    counts: dict[str, int] = {}
    for trial in state.trials_of(phase):
        outcome, end = trial.outcome, trial.end
        if end is None or outcome is None or trial.session != session or outcome.is_ranked:
            continue
        if end.rule == "failure" and str(outcome) != "out of memory":
            error = end.detail.partition(" (step ")[0]
            counts[error] = counts.get(error, 0) + 1
    return max(counts.items(), key=lambda item: item[1], default=("", 0))
