"""The ledger's events in words: one line each, for logs, headless output and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from staycourse.core import events as ev
from staycourse.core.canonical import decode_number
from staycourse.core.environment import changes_in_words
from staycourse.core.events import Event
from staycourse.core.handoff import Handoff, from_json
from staycourse.core.narrowing import in_words, percent
from staycourse.core.space import Choice, Interval, Space, describe_range, describe_setup, format_value
from staycourse.core.state import RunState
from staycourse.core.text import byte_words

WARNING = "warning: "


def tell(event: Event, state: RunState, kinds: Sequence[str]) -> str:
    """The event in one line; `state` is the state before or after it, `kinds` the phases' kinds."""
    teller = _TELLERS.get(type(event))
    return teller(event, state, kinds) if teller else event.KIND


def handed_on(before: Space, handoff: Handoff, metric: str) -> list[str]:
    """What a phase handed on, a line each, `lr 1e-05..0.01 became 0.0005..0.001`."""
    return [
        *_space_changes(before, handoff.space),
        *_findings(handoff, metric),
        *_winner(handoff, metric),
        *(f"{WARNING}{finding['found']}" for finding in warnings(handoff)),
    ]


def warnings(handoff: Handoff) -> list[dict[str, Any]]:
    """What the phase's gates warn of, as `core.gates` puts it."""
    return [finding for finding in handoff.findings.get("gates", []) if finding["level"] == "warning"]


def _winner(handoff: Handoff, metric: str) -> list[str]:
    """The ranking's first; nothing where the ranking is only passed on."""
    if not handoff.ranking or _is_passed_on(handoff):
        return []
    best = handoff.ranking[0]
    more = f", then {len(handoff.ranking) - 1} more" if len(handoff.ranking) > 1 else ""
    return [f"best {metric} {best.score:.6g} at epoch {best.epoch}: {describe_setup(best.setup)}{more}"]


def _is_passed_on(handoff: Handoff) -> bool:
    return "comparison" in handoff.findings or "weights" in handoff.findings


def _space_changes(before: Space, after: Space) -> list[str]:
    lines = []
    for old in before:
        new = after.get(old.name)
        if new == old:
            continue
        if isinstance(old, Interval) and isinstance(new, Interval):
            lines.append(f"{old.name} {describe_range(old)} became {describe_range(new)}")
        elif isinstance(old, Choice) and isinstance(new, Choice):
            kept = "|".join(map(format_value, new.options))
            gone = ", ".join(format_value(option) for option in old.options if option not in new.options)
            lines.append(f"{old.name} without {gone}: {kept} left")
    return lines


def _findings(handoff: Handoff, metric: str) -> list[str]:
    lines = []
    if floor := handoff.findings.get("floor"):
        lines.append(
            f"loss floor: {metric} {floor['value']:.6g} at epoch {floor['epoch']} ({floor['trial']})"
        )
    if pieces := handoff.findings.get("training_phases"):
        said = ", ".join(f"{piece['kind']} {piece['first']}–{piece['last']}" for piece in pieces)
        lines.append(f"phases of training by epoch: {said}")
    for rung in handoff.findings.get("rungs", []):
        lines.append(f"halving at epoch {rung['epochs']}: {rung['went_on']} of {rung['trials']} went on")
    if weights := handoff.findings.get("weights"):
        lines.append(f"weights of {weights['trial']}: {weights['epochs']} epochs on {weights['data']}")
    if "confidence" in handoff.findings:
        lines.append(
            f"ranges and options hold {percent(handoff.findings['confidence'])} of the model's optima"
        )
    if reason := handoff.findings.get("not_narrowed"):
        lines.append(f"nothing was narrowed: {reason}")
    lines += [*handoff.findings.get("expanded", []), *handoff.findings.get("warnings", [])]
    return [*lines, *_comparison(handoff.findings.get("comparison", []), metric)]


def _comparison(rows: Sequence[dict[str, Any]], metric: str) -> list[str]:
    """Each set-up, then which ones are equivalent where that was asked."""
    lines = []
    for row in rows:
        updates = f", {row['updates']:.0f} updates" if "updates" in row else ""
        lines.append(f"{row['name']}: {metric} {row['score']:.6g} at epoch {row['epoch']}{updates}")
    for row in rows[1:]:
        if found := row.get("equivalence"):
            low, high = found["interval"] or (None, None)
            span = "one seed" if low is None else f"90% interval {low:.3g} to {high:.3g}"
            lines.append(f"{row['name']} and {rows[0]['name']}: {found['verdict']} ({span})")
    return lines


def _sealed(event: ev.RunSealed, state: RunState, kinds: Sequence[str]) -> str:
    earlier = event.lineage
    if not earlier:
        return f"sealed {event.seal[:8]}"
    head = earlier["head"]
    where = f"at event {head['seq']}, {head['hash'][:8]}"
    return f"sealed {event.seal[:8]}, takes up {earlier['run']} ({earlier['status']}) {where}"


def _started(event: ev.EngineStarted, state: RunState, kinds: Sequence[str]) -> str:
    verb = "started" if event.session == 1 else "resumed"
    since = f", silent since {event.silent_since}" if event.silent_since else ""
    return f"engine {verb} (process {event.pid}){since}"


def _stopped(event: ev.EngineStopped, state: RunState, kinds: Sequence[str]) -> str:
    return f"engine stopped: {event.reason}; resume goes on"


def _environment_changed(event: ev.EnvironmentChanged, state: RunState, kinds: Sequence[str]) -> str:
    return f"the environment has changed: {changes_in_words(event.changes)}"


def _phase_opened(event: ev.PhaseOpened, state: RunState, kinds: Sequence[str]) -> str:
    return f"phase {event.phase + 1}/{len(kinds)} {kinds[event.phase]} begins"


def _planned(event: ev.TrialPlanned, state: RunState, kinds: Sequence[str]) -> str:
    on = f" goes on from {event.parent}" if event.parent else ""
    seed = f" seed {event.repetition + 1}" if event.repetition else ""
    name = f" {event.name}" if event.name else ""
    return f"{event.trial}{on}{name}{seed}: {describe_setup(event.setup)}"


def _trial_started(event: ev.TrialStarted, state: RunState, kinds: Sequence[str]) -> str:
    again = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return f"{event.trial} trains on {event.slot}{again}"


def _attempt_failed(event: ev.AttemptFailed, state: RunState, kinds: Sequence[str]) -> str:
    why = f": {event.error}" if event.error else ""
    samples = "1 sample" if event.at_once == 1 else f"{event.at_once} samples"
    how = f" with {samples} at once, in updates of the same size" if event.at_once else ""
    return f"{event.trial} {event.failure} after step {event.step}{why}; it is owed and goes on{how}"


def _ended(event: ev.TrialEnded, state: RunState, kinds: Sequence[str]) -> str:
    best = ""
    if event.best_value is not None:
        best = f", best {decode_number(event.best_value):.6g} at epoch {event.best_epoch}"
    return f"{event.trial} {event.outcome} after epoch {event.epochs} ({event.detail}){best}"


def _slowdown_seen(event: ev.SlowdownSeen, state: RunState, kinds: Sequence[str]) -> str:
    return f"{event.trial}: {event.text}"


def _phase_closed(event: ev.PhaseClosed, state: RunState, kinds: Sequence[str]) -> str:
    handoff = from_json(event.handoff)
    own = {trial.id for trial in state.trials_of(event.phase)}
    is_new = handoff.ranking and own.issuperset(handoff.ranking[0].trials)
    best = f", best {handoff.ranking[0].score:.6g}" if is_new else ""
    gates = dict.fromkeys(finding["gate"] for finding in warnings(handoff))
    warned = f"; warning: {', '.join(gates)}" if gates else ""
    return f"phase {event.phase + 1}/{len(kinds)} {kinds[event.phase]} done{best}{warned}"


def _estimated(event: ev.RegionEstimated, state: RunState, kinds: Sequence[str]) -> str:
    return f"the model of {kinds[event.phase]} has told the region: {in_words(event.estimate)}"


def _dropped(event: ev.CheckpointsDropped, state: RunState, kinds: Sequence[str]) -> str:
    trials = f"{len(event.trials)} trial{'' if len(event.trials) == 1 else 's'}"
    return f"checkpoints of {trials} dropped, {byte_words(event.bytes)}"


def _noted(event: ev.Noted, state: RunState, kinds: Sequence[str]) -> str:
    return event.text


def _suspended(event: ev.RunSuspended, state: RunState, kinds: Sequence[str]) -> str:
    return f"suspended: {event.reason}"


def _finished(event: ev.RunFinished, state: RunState, kinds: Sequence[str]) -> str:
    winner = f": {describe_setup(event.winner)}" if event.winner else ""
    return f"run finished{winner}"


def _failed(event: ev.RunFailed, state: RunState, kinds: Sequence[str]) -> str:
    return f"phase {event.phase + 1}/{len(kinds)} {kinds[event.phase]} could not be finished: {event.reason}"


def _abandoned(event: ev.RunAbandoned, state: RunState, kinds: Sequence[str]) -> str:
    return f"abandoned: {event.reason}"


_TELLERS: dict[type[Event], Callable[[Any, RunState, Sequence[str]], str]] = {
    ev.RunSealed: _sealed,
    ev.EngineStarted: _started,
    ev.EngineStopped: _stopped,
    ev.EnvironmentChanged: _environment_changed,
    ev.PhaseOpened: _phase_opened,
    ev.TrialPlanned: _planned,
    ev.TrialStarted: _trial_started,
    ev.AttemptFailed: _attempt_failed,
    ev.TrialEnded: _ended,
    ev.SlowdownSeen: _slowdown_seen,
    ev.RegionEstimated: _estimated,
    ev.PhaseClosed: _phase_closed,
    ev.CheckpointsDropped: _dropped,
    ev.Noted: _noted,
    ev.RunSuspended: _suspended,
    ev.RunFinished: _finished,
    ev.RunFailed: _failed,
    ev.RunAbandoned: _abandoned,
}
