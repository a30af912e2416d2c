"""What the phases decided, decided again from the same trials."""

from __future__ import annotations

from collections.abc import Sequence

import staycourse
from staycourse.core import events as ev
from staycourse.core.canonical import canonical_json
from staycourse.core.deciding import decide
from staycourse.core.events import Event
from staycourse.core.handoff import Handoff, to_json
from staycourse.core.phases.base import Before
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunState, fold
from staycourse.record.ledger import Entry
from staycourse.record.verification.fault import Fault


def check_decisions(roadmap: Roadmap, first: Handoff, events: Sequence[tuple[Entry, Event]]) -> int | None:
    """How many handoffs were decided again and came out equal; None for a run that another version of
    staycourse sealed, whose phases may decide otherwise. `first` is what the first phase was handed."""
    sealed = events[0][1]
    if not isinstance(sealed, ev.RunSealed) or sealed.version != staycourse.__version__:
        return None
    state, count = RunState(), 0
    for entry, event in events:
        if isinstance(event, ev.PhaseClosed):
            _check_handoff(roadmap, first, state, entry, event)
            count += 1
        if isinstance(event, ev.RunFinished):
            _check_winner(state, entry, event)
        state = fold(state, event)
    return count


def _check_handoff(
    roadmap: Roadmap, first: Handoff, state: RunState, entry: Entry, event: ev.PhaseClosed
) -> None:
    where = f"event {entry.seq} (phase closed)"
    index = len(state.handoffs)
    if event.phase != index or index >= len(roadmap.phases):
        raise Fault(f"{where}: phase {event.phase + 1} is not the one that was open")
    handoff = state.handoffs[-1] if state.handoffs else first
    before = Before(roadmap.objective.goal, handoff, state.estimates_of(index))
    trials = [trial.trial() for trial in state.trials_of(index)]
    decision = decide(roadmap.phases[index], before, trials)
    made = None if decision.handoff is None else canonical_json(to_json(decision.handoff))
    if made != canonical_json(event.handoff):
        raise Fault(f"{where}: the phase's trials do not lead to what it handed on")
    planned = {trial.plan.key: trial.plan for trial in state.trials_of(index)}
    for need in decision.needs:
        if need.setup is not None and canonical_json(need.setup) != canonical_json(planned[need.key].setup):
            raise Fault(
                f"{where}: trial {planned[need.key].trial} has another set-up than the roadmap asks for"
            )


def _check_winner(state: RunState, entry: Entry, event: ev.RunFinished) -> None:
    ranking = state.handoffs[-1].ranking if state.handoffs else ()
    first = ranking[0].setup if ranking else None
    if canonical_json(event.winner) != canonical_json(first):
        raise Fault(f"event {entry.seq} (run finished): its winner is not the first of the last ranking")
