"""What the open phase needs next; proposals come from the search's own process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycourse.core.canonical import encode_number
from staycourse.core.deciding import decide
from staycourse.core.events import PhaseClosed, PhaseOpened, RunFailed, TrialPlanned
from staycourse.core.handoff import Handoff, to_json
from staycourse.core.phases.base import Before, Decision, Need, Phase
from staycourse.core.roadmap import Roadmap
from staycourse.core.seeds import derive
from staycourse.core.space import to_json as space_to_json
from staycourse.core.state import RunState, TrialState
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
        before = Before(self._roadmap.objective.goal, self._handoff())
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

    def wanted_proposal(self) -> dict[str, Any] | None:
        """The request for the next proposal, None if none is needed now."""
        if self.is_done:
            return None
        planned = self._planned_keys()
        need = next((n for n in self._decision.needs if n.setup is None and n.key not in planned), None)
        spec = self.phase.search()
        if need is None or spec is None:
            return None
        assert need.proposal is not None
        index = len(self._store.state.handoffs)
        return {
            "space": space_to_json(self._handoff().space),
            "optimizer": spec.optimizer,
            "seed": derive(self._roadmap.seed, "search", index),
            "goal": self._roadmap.objective.goal,
            "budget": spec.budget,
            "parallel": spec.parallel,
            "k": need.proposal,
            "history": [_past(t, self._roadmap.objective.goal) for t in self._proposed(index)],
        }

    def plan_proposal(self, proposal: int, setup: Mapping[str, Any]) -> None:
        """Record a proposal as the trial that was waiting for it."""
        need = next(need for need in self._decision.needs if need.proposal == proposal)
        self._store.append(self._planned(need, setup, 1))

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

    def _proposed(self, index: int) -> list[TrialState]:
        trials = [t for t in self._store.state.trials_of(index) if t.plan.proposal is not None]
        return sorted(trials, key=lambda trial: trial.plan.proposal or 0)


def _past(trial: TrialState, goal: str) -> dict[str, Any]:
    """A trial as the search hears of it: failures that say nothing about the set-up are not told."""
    outcome, score = trial.outcome, trial.trial().score(goal)
    state = (
        "pending"
        if outcome is None
        else "done"
        if score is not None
        else "untold"
        if not (outcome.is_infeasible or outcome.is_ranked)
        else "infeasible"
    )
    value = encode_number(score) if score is not None else None
    return {"setup": dict(trial.plan.setup), "value": value, "state": state}


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
