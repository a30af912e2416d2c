"""The plan before it is sealed: queue, space, objective, data, warnings and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycourse.core.phases.base import Phase, Planned
from staycourse.core.space import describe, format_value
from staycourse_tui import formatting as fmt
from staycourse_tui.offer import Offer
from staycourse_tui.widgets.lines import Line, Span, cell, fit, flow, line, rule, spread, wrap_text

_HEADS = ("phase", "trials", "epochs each", "epochs in all", "data")


def plan_header(offer: Offer, size: int) -> Line:
    """What is offered, and that it is not sealed."""
    left = line(Span("○ ", "warn"), Span(offer.roadmap.name, "strong"), Span(f"  {offer.source}", "dim"))
    count = len(offer.roadmap.warnings)
    warned = f" {fmt.plural(count, 'warning')}  " if count else " "
    return spread(left, line(Span(warned, "warn"), Span("NOT SEALED YET", "lock")), size)


def plan_lines(offer: Offer, size: int) -> list[Line]:
    """Everything that sealing would fix, as long as it is; the caller scrolls."""
    sections = [
        ("queue", _queue(offer, size)),
        ("warnings", _sentences("! ", "warn", [str(warning) for warning in offer.roadmap.warnings], size)),
        ("space", _space(offer, size)),
        ("objective", _objective(offer, size)),
        ("data", _data(offer.facts, size)),
        ("notes", _sentences("· ", "dim", offer.notes, size)),
    ]
    lines: list[Line] = []
    for title, content in sections:
        if content:
            lines += [rule(line(Span(title, "title")), size), *(fit(made, size) for made in content)]
    return lines


def totals(offer: Offer) -> str:
    """`49 trials, 3,420 epochs at most`."""
    plan = offer.roadmap.plan()
    trials, epochs = sum(one.trials for one in plan), sum(one.total_epochs for one in plan)
    return f"{fmt.plural(trials, 'trial')}, {fmt.plural(epochs, 'epoch')} at most"


def _queue(offer: Offer, size: int) -> list[Line]:
    plan = offer.roadmap.plan()
    widths = [max(8, *(len(one.kind) for one in plan)), 6, 11, 13, 5]
    if size < 76:
        heads, widths = ("phase", "trials", "each", "in all", "data"), [widths[0], 6, 5, 7, 5]
    else:
        heads = _HEADS
    lines = [_table_row("  ", heads, widths, "dim")]
    for index, (phase, one) in enumerate(zip(offer.roadmap.phases, plan, strict=True), start=1):
        row = _table_row(f"{index} ", _cells(one), widths, "")
        rules = _rules(phase, one)
        room = size - sum(len(span.text) for span in row) - 2
        if all(len(text) <= room for text in rules[:1]) and room >= 20:
            first = [Span("  " + rules[0], "dim")] if rules else []
            lines.append((*row, *first))
            rules = rules[1:]
        else:
            lines.append(row)
        lines += [line(Span("    "), *made) for text in rules for made in wrap_text(text, size - 4, "dim", 2)]
    total = ("in all", str(sum(p.trials for p in plan)), "", fmt.count(sum(p.total_epochs for p in plan)), "")
    return [*lines, _table_row("  ", total, widths, "strong")]


def _cells(planned: Planned) -> tuple[str, ...]:
    return (
        planned.kind,
        str(planned.trials),
        fmt.count(planned.epochs_per_trial),
        fmt.count(planned.total_epochs),
        fmt.share(planned.share),
    )


def _table_row(start: str, cells: Sequence[str], widths: Sequence[int], role: str) -> Line:
    first = Span(start, "dim"), Span(cell(cells[0], widths[0]), role or "strong")
    rest = "".join(
        "  " + cell(value, size, right=True) for value, size in zip(cells[1:], widths[1:], strict=True)
    )
    return line(*first, Span(rest, role))


def _rules(phase: Phase, planned: Planned) -> list[str]:
    """What may end a trial of the phase before its epochs are over, and the phase's own notes."""
    found = []
    stop = getattr(phase, "stop", None)
    if stop is not None:
        found.append("stops: " + ", ".join(stop.words))
    if eliminated := getattr(phase, "eliminate", None):
        found.append("eliminates options of " + ", ".join(eliminated))
    finish = getattr(phase, "finish", None)
    found += planned.notes
    if finish is not None and finish.stop is not None:
        found.append("then stops: " + ", ".join(finish.stop.words))
    return found


def _space(offer: Offer, size: int) -> list[Line]:
    items = []
    for h in offer.roadmap.space:
        name, _, rest = describe(h).partition(" ")
        when = "".join(f", with {c.on} {'|'.join(map(format_value, c.options))}" for c in h.when)
        items.append(line(Span(name + " ", "dim"), Span(rest + when)))
    return flow(items, size)


def _objective(offer: Offer, size: int) -> list[Line]:
    roadmap = offer.roadmap
    goal = "smaller is better" if roadmap.objective.goal == "min" else "larger is better"
    items = [
        line(Span(roadmap.objective.metric), Span(f", {goal}", "dim")),
        line(Span("seed ", "dim"), Span(str(roadmap.seed))),
        line(Span("task ", "dim"), Span(roadmap.task.words)),
    ]
    if roadmap.limits.trial_hours:
        items.append(line(Span(f"{roadmap.limits.trial_hours:g} hours a trial at most")))
    return flow(items, size)


_HIDDEN = {
    *("fingerprint", "data_files", "distributions", "task_file", "code", "read", "metrics_resolved"),
    *("weights_bytes", "checkpoint_bytes"),  # the notes say it in words
    *("command", "interpreter"),  # the task stands above, and its packages are many
}


def _data(facts: Mapping[str, Any], size: int) -> list[Line]:
    """The facts of the check that are short: numbers, words and what is true, nested ones by their path."""
    shown = {key: value for key, value in facts.items() if key not in _HIDDEN}
    items = [line(Span(name + " ", "dim"), Span(value)) for name, value in _flat(shown)]
    return flow([*_interpreter(facts.get("interpreter")), *items], size)


def _interpreter(told: Mapping[str, Any] | None) -> list[Line]:
    """What a script runs on."""
    if not told:
        return []
    packages = f", {fmt.count(len(told['packages']))} packages"
    known = line(Span("python ", "dim"), Span(str(told["python"])), Span(packages, "dim"))
    return [known, line(Span("at ", "dim"), Span(str(told["path"])))]


def _flat(facts: Mapping[str, Any], path: str = "") -> list[tuple[str, str]]:
    found = []
    for key, value in facts.items():
        name = f"{path}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            found += _flat(value, f"{name} ")
        elif isinstance(value, list | tuple):
            found.append((name, ", ".join(map(_plain, value))))
        elif value is not None and value is not False:
            found.append((name, _plain(value)))
    return [(name, value) for name, value in found if 0 < len(value) <= 60]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return fmt.count(value)
    return format_value(value) if isinstance(value, float) else str(value)


def _sentences(mark: str, role: str, texts: Sequence[str], size: int) -> list[Line]:
    lines: list[Line] = []
    for text in texts:
        first, *rest = wrap_text(text, size - 2)
        lines += [line(Span(mark, role), *first), *(line(Span("  "), *made) for made in rest)]
    return lines
