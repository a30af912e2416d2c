"""Every phase: its rule, its trials, its figure, what it saw and what it handed on."""

from __future__ import annotations

from collections.abc import Mapping

from staycourse.core.narrative import WARNING
from staycourse.core.phases.base import Phase, Planned
from staycourse.core.state import TrialState
from staycourse.core.tally import phase_views
from staycourse.core.views import PhaseView, phase_words, rules_of
from staycourse.report.evidence import evidence
from staycourse.report.facts import Facts
from staycourse.report.gates import gates
from staycourse.report.markdown import bullets, code, count, details, duration, escape, joined
from staycourse.report.trials import MOST_ROWS, trials_table

_UNFOLDED_ROWS = 12
_WHAT = {
    "grid": "Every point of a grid",
    "confirm": "The best set-ups so far",
    "final": "The winner",
    "compare": "Set-ups listed by name, side by side",
}


def phases_section(facts: Facts, figures: Mapping[int, str], insights: Mapping[int, str]) -> str:
    """All phases; `figures` has the Markdown of each phase's curves, where it has any, `insights` what is to
    be seen of its hyperparameters."""
    views = phase_views(facts.roadmap, facts.state)
    plans = facts.roadmap.plan()
    parts = [
        _phase(facts, view, plans[view.index], figures.get(view.index, ""), insights.get(view.index, ""))
        for view in views
    ]
    return "\n\n".join(["## Phases", *parts])


def _phase(facts: Facts, view: PhaseView, planned: Planned, figure: str, insight: str) -> str:
    trials = facts.state.trials_of(view.index)
    parts = [
        f"### Phase {view.index + 1}: {view.kind}",
        _intro(facts, view, planned, trials),
        _rules(facts, view, planned, trials),
        figure,
        *(evidence(facts, view.index) if view.status == "done" else []),
        *_tables(facts, trials),
        insight,
        gates(facts, view.index) if view.status == "done" else "",
        _warnings(facts, view.index),
        _handed_on(facts, view),
    ]
    return "\n\n".join(filter(None, parts))


def _intro(facts: Facts, view: PhaseView, planned: Planned, trials: list[TrialState]) -> str:
    phase = facts.roadmap.phases[view.index]
    stands = {"done": "Done", "running": "In progress", "waiting": "Not begun"}[view.status]
    if view.status == "running" and facts.status.value != "running":
        stands = "Not finished"
    seconds = sum(trial.end.seconds for trial in trials if trial.end)
    epochs = sum(facts.epochs_of(trial) for trial in trials)
    spent = f", {count(epochs, 'epoch')}, {duration(seconds)} of training" if trials else ""
    ended = f"{view.ended} of {count(view.trials, 'trial')}{spent}"
    words = [f"*{stands}: {ended}.*", _purpose(phase, planned)]
    return " ".join(filter(None, words))


def _purpose(phase: Phase, planned: Planned) -> str:
    """What the phase trains, and on what."""
    words = _WHAT.get(phase.kind, "Trials")
    if search := phase.search():
        flight = f", {search.parallel} in flight" if search.parallel not in (1, search.budget) else ""
        words = f"Set-ups proposed by {code(search.optimizer)}{flight}"
    part = "all" if planned.share >= 1 else f"{planned.share:.0%} of"
    data = f"on {part} the data, a part of it held out for validation"
    if phase.kind == "final" and getattr(phase, "data", "all") == "all":
        data = "on all the data, nothing held out"
    notes = f" ({'; '.join(map(escape, planned.notes))})" if planned.notes else ""
    return f"{words}, {data}{notes}."


def _rules(facts: Facts, view: PhaseView, planned: Planned, trials: list[TrialState]) -> str:
    """What may end a trial here; by the trials' own plans, else by the roadmap."""
    plans: dict[tuple[bool, tuple[str, ...]], None] = {}
    for trial in trials:
        rules = rules_of(facts.roadmap, trial.plan.epochs, trial.stop)
        plans[trial.plan.parent is not None, tuple(rule.describe() for rule in rules)] = None
    if not plans:
        phase = facts.roadmap.phases[view.index]
        stop = getattr(phase, "stop", None)
        rules = rules_of(facts.roadmap, _epochs(phase, planned), stop.spec() if stop else None)
        plans[False, tuple(rule.describe() for rule in rules)] = None
    lines = []
    for goes_on, words in plans:
        who = "A trial that goes on" if goes_on else "A trial"
        first = "at the first of: " if len(words) > 1 else "after "
        lines.append(f"**Rule.** {who} ends {first}{'; '.join(map(escape, words))}.")
    return "  \n".join(lines)


def _epochs(phase: Phase, planned: Planned) -> int:
    epochs = getattr(phase, "epochs", None)
    return epochs if isinstance(epochs, int) else planned.epochs_per_trial


def _tables(facts: Facts, trials: list[TrialState]) -> list[str]:
    """Trials from the start, then those that went on; long tables are folded away."""
    groups = [
        ("Trials", [trial for trial in trials if trial.plan.parent is None]),
        ("Trials that went on", [trial for trial in trials if trial.plan.parent is not None]),
    ]
    blocks = []
    for name, group in groups:
        if not group:
            continue
        body = trials_table(facts, group)
        how_many = (
            "1"
            if len(group) == 1
            else f"{len(group)}, the best first"
            if len(group) <= MOST_ROWS
            else f"the best of {len(group)}"
        )
        if len(group) > _UNFOLDED_ROWS:
            blocks.append(details(f"{name} ({how_many})", body))
        else:
            blocks.append(f"**{name}** ({how_many})\n\n{body}")
    return blocks


def _warnings(facts: Facts, phase: int) -> str:
    words = [escape(str(w)) for w in facts.roadmap.warnings if facts.phase_of(w) == phase]
    return f"**Warned of before the seal:**\n\n{bullets(words)}" if words else ""


def _handed_on(facts: Facts, view: PhaseView) -> str:
    if view.status != "done":
        return ""
    words = [escape(line) for line in phase_words(facts.roadmap, facts.state.handoffs, view.index)]
    words = [line for line in words if not line.startswith(WARNING)]  # they stand above, in full
    if view.kind == "final" and facts.weights:
        words.append(f"the trained weights: {joined([code(f'final/{name}') for name in facts.weights[:3]])}")
    if not words:
        return "**Handed on:** what it was handed."
    return "**Handed on:**\n\n" + bullets(words)
