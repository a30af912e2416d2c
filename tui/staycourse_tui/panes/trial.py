"""One trial: its set-up, where it is, and how near its rules are to ending it."""

from __future__ import annotations

from collections.abc import Mapping

from staycourse.client import LiveView, Snapshot, TrialView
from staycourse.core.space import Value, format_value
from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.panes.rules import rule_lines
from staycourse_tui.widgets.lines import Line, Span, cell_middle, fit, flow, line, width, wrap_text

_LEAST_NAME = 10
STATES = {
    "planned": ("·", "dim", "planned"),
    "running": ("▶", "accent", "running"),
    "owed": ("‖", "warn", "owed"),
    "completed": ("✓", "good", "done"),
}


def state_of(trial: TrialView, is_engine_alive: bool = True) -> tuple[str, str, str]:
    """Glyph, role and word of where a trial stands; failures have their own names."""
    key = trial.outcome or trial.status
    if key == "running" and not is_engine_alive:
        key = "owed"
    return STATES.get(key, ("✗", "bad", key))


def setup_items(snapshot: Snapshot, setup: Mapping[str, Value]) -> list[Line]:
    """`lr 0.0003`, `batch_size 16` … in the roadmap's order."""
    order = [name for name in snapshot.roadmap.space.names if name in setup]
    order += [name for name in setup if name not in order]
    return [line(Span(f"{name} ", "dim"), Span(format_value(setup[name]))) for name in order]


def trial_title(frame: Frame) -> Line:
    """`t27 running`."""
    trial = frame.focused
    if trial is None:
        return line(Span("trial", "title"))
    glyph, role, word = state_of(trial, frame.snapshot.is_engine_alive)
    return line(Span(trial.id, "title"), Span(f" {glyph} {word}", role))


def trial_pane(frame: Frame, size: int, rows: int) -> list[Line]:
    """The trial in focus in at most `rows` lines; the most important facts come first."""
    trial = frame.focused
    if trial is None:
        return [fit(made, size) for made in wrap_text(empty_sentence(frame.snapshot), size, "dim")][:rows]
    live = next((one for one in frame.snapshot.live if one.trial == trial.id), None)
    if live is not None and frame.snapshot.is_engine_alive:
        facts = flow(_running(frame, trial, live), size, rows)
    else:
        facts = _resting(frame, trial, size)
    setup, about = setup_items(frame.snapshot, trial.setup), facts_of(frame, trial)
    locked = _locked(frame, trial, size) if live is not None else []
    whole = [result_lines(frame, trial, size), _listed(setup, size), about, locked]
    if locked and rows >= sum(map(len, whole)) + 3:
        lines = [made for section in whole for made in ((), *section)][1:]
    elif rows >= len(facts) + len(setup) + len(about) + 2:
        sections = [facts, _listed(setup, size), about]
        lines = [made for section in sections if section for made in ((), *section)][1:]
    else:
        room = rows - len(facts)
        last = flow(about, size, 1 if room < len(flow(setup, size)) + len(flow(about, size)) else None)
        last = last if room > 1 else []
        lines = [*facts, *flow(setup, size, max(0, room - len(last))), *last]
    return [fit(made, size) for made in lines[:rows]]


def _locked(frame: Frame, trial: TrialView, size: int) -> list[Line]:
    """Why nothing else ends the trial, and what does."""
    rules = rule_lines(frame, trial, size)
    return [line(Span("LOCKED", "lock"), Span(" only its rules end it:", "dim")), *rules] if rules else []


def setup_lines(
    snapshot: Snapshot, setup: Mapping[str, Value], size: int, *, is_column: bool = False
) -> list[Line]:
    """The set-up, an item a line; as a column with its values below each other."""
    items = setup_items(snapshot, setup)
    return _listed(items, size) if is_column else items


def result_lines(frame: Frame, trial: TrialView, size: int) -> list[Line]:
    """Where the trial is, what it has reached and why it has ended."""
    live = frame.live(trial.id)
    if live is None:
        return _resting(frame, trial, size)
    values = [(Span(f"{name} ", "dim"), Span(text)) for name, text in _measured(frame, trial, live)]
    return flow([(Span("epoch ", "dim"), Span(f"{trial.epoch}/{trial.epochs}", "strong")), *values], size)


def _measured(frame: Frame, trial: TrialView, live: LiveView) -> list[tuple[str, str]]:
    """The newest value of each metric, the objective first; `lr` and `batch_size` once a schedule has moved
    them from the set-up's."""
    found = []
    for name in sorted(live.metrics, key=lambda name: (name != frame.metric, name)):
        value, given = live.metrics[name], trial.setup.get(name)
        if name == "train_loss_step" or value == given:
            continue
        found.append((name, fmt.number(value) if given is None else format_value(type(given)(value))))
    return found


def _listed(items: list[Line], size: int) -> list[Line]:
    """One item a line, names and values in two columns; a name gives way to its value."""
    names = max((width(item[:1]) for item in items), default=0) + 1
    values = max((width(item[1:]) for item in items), default=0)
    names = min(names, max(_LEAST_NAME, size - values))
    return [
        line(Span(cell_middle(item[0].text.rstrip(), names - 1).ljust(names), "dim"), *item[1:])
        for item in items
    ]


def empty_sentence(snapshot: Snapshot) -> str:
    """Why no trial can be shown."""
    if not snapshot.is_engine_alive:
        return "no trial has begun"
    return "the engine prepares the first trial"


def _running(frame: Frame, trial: TrialView, live: LiveView) -> list[Line]:
    facts: list[Line] = [(Span("epoch ", "dim"), Span(f"{trial.epoch}/{trial.epochs}", "strong"))]
    if not live.metrics and not trial.step:
        facts.append(line(Span("waiting for the first step", "dim")))
    values: list[Line] = [
        (Span(f"{name} ", "dim"), Span(fmt.number(live.metrics[name]), "strong"))
        for name in dict.fromkeys((frame.metric, "train_loss"))
        if name in live.metrics
    ]
    facts += [*values[:1], *((Span(text),) for text in live.nearness[1:]), *values[1:]]
    return facts + [(Span(text, "dim"),) for text in trial.rules if "hours" in text]


def _resting(frame: Frame, trial: TrialView, size: int) -> list[Line]:
    """A trial that does not run now: what it reached, and why it ended or what it waits for."""
    facts: list[Line] = [(Span("epoch ", "dim"), Span(f"{trial.epoch}/{trial.epochs}"))]
    if trial.best_value is not None:
        value = Span(fmt.number(trial.best_value), "strong")
        facts.append((Span(f"best {frame.metric} ", "dim"), value))
        facts.append((Span(f"at epoch {trial.best_epoch}", "dim"),))
    why = trial.detail
    if trial.status in ("owed", "running"):
        why = "goes on when the engine is back"
    elif trial.status == "planned":
        why = "; ".join(trial.rules)
    return [*flow(facts, size), *wrap_text(why, size, "dim")[:2]]


def facts_of(frame: Frame, trial: TrialView) -> list[Line]:
    """Phase, seed, share of the data, parent, slot, interruptions."""
    phases = frame.snapshot.phases
    kind = phases[trial.phase].kind
    parts: list[Line] = [(Span(kind if kind == trial.key else f"{kind} {trial.key}", "dim"),)]
    if trial.name:
        parts.insert(0, (Span(trial.name),))
    if trial.repetition:
        parts.append((Span(f"seed {trial.repetition + 1}", "dim"),))
    if trial.share < 1:
        parts.append((Span(f"{fmt.share(trial.share)} of the data", "dim"),))
    if trial.parent:
        parts.append((Span(f"goes on from {trial.parent}", "dim"),))
    if trial.slot:
        parts.append((Span(f"on {trial.slot}", "dim"),))
    if trial.interruptions:
        parts.append((Span(fmt.plural(trial.interruptions, "interruption"), "warn"),))
    return parts
