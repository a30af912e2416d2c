"""The phase queue, with what each finished phase handed on."""

from __future__ import annotations

from rich.cells import cell_len

from staycourse.client import PhaseView, RunSummary, Snapshot
from staycourse.core.narrative import WARNING
from staycourse_tui import formatting as fmt
from staycourse_tui.widgets.lines import Line, Span, cell, fit, line, spread, text, wrap_text

_GLYPHS = {"done": ("✓", "good"), "running": ("▶", "accent"), "waiting": ("·", "dim")}


def queue(snapshot: Snapshot, size: int, rows: int) -> list[Line]:
    """One line a phase and, where there is room, what finished ones handed on, the newest first."""
    lines = [_leading_on(snapshot, phase, size) for phase in snapshot.phases]
    if len(lines) > rows:
        return _around(lines, snapshot.phase.index if snapshot.phase else 0, rows, size)
    room = rows - len(lines)
    told: dict[int, list[Line]] = {}
    for phase in reversed(snapshot.phases):
        block = [made for said in phase.handed_on for made in wrap_text(said, size - 4, _role(said), 2)]
        if len(block) > room > 0:
            block = [*block[: room - 1], _and_more(block[room - 1], size - 4)]
        told[phase.index] = [line(Span("    "), *made) for made in block[:room]]
        room -= len(told[phase.index])
    return [fit(made, size) for phase in snapshot.phases for made in (lines[phase.index], *told[phase.index])]


def _role(said: str) -> str:
    return "warn" if said.startswith(WARNING) else "dim"


def _and_more(made: Line, size: int) -> Line:
    """The line with an ellipsis for what follows, by whole words."""
    said = text(made)
    return line(Span((said if cell_len(said) + 2 <= size else said.rsplit(" ", 1)[0]) + " …", "dim"))


def whole_queue(snapshot: Snapshot, size: int) -> list[Line]:
    """Every phase with everything that it handed on."""
    lines: list[Line] = []
    for phase in snapshot.phases:
        lines.append(_leading_on(snapshot, phase, size))
        for said in phase.handed_on:
            lines += [line(Span("    "), *made) for made in wrap_text(said, size - 4, _role(said), 2)]
    return [fit(made, size) for made in lines]


def _leading_on(snapshot: Snapshot, phase: PhaseView, size: int) -> Line:
    """The phase's line; a click on it lists its trials."""
    made = phase_line(snapshot, phase, size)
    return tuple(Span(span.text, span.role, f"screen.list_phase({phase.index})") for span in made)


def phase_line(snapshot: Snapshot | RunSummary, phase: PhaseView, size: int) -> Line:
    """`✓ probe    done      6/6  0.1036`."""
    glyph, role = _GLYPHS[phase.status]
    word = phase.status
    if phase.status == "running" and str(snapshot.status) == "failed":
        glyph, role, word = "✗", "bad", "failed"
    elif phase.status == "running" and not snapshot.is_engine_alive:
        glyph, role, word = "‖", "warn", "halted"
    best = fmt.number(phase.best) if phase.best is not None else ""
    tail = f"{phase.ended}/{phase.trials}".rjust(6) + best.rjust(9)
    strong = "strong" if word == "running" else "dim" if word == "waiting" else ""
    head = [Span(f"{glyph} ", role), Span(cell(phase.kind, 8), strong)]
    if size >= 33:
        head.append(Span(f" {word}", role))
    return spread(head, [Span(tail, strong)], size)


HEADING = "done" + "best".rjust(9)


def _around(lines: list[Line], at: int, rows: int, size: int) -> list[Line]:
    """The lines around one, and how many more there are above and below."""
    inner = max(1, rows - 1)
    top = min(max(0, at - inner // 2), len(lines) - inner)
    more = [(top, "above"), (len(lines) - top - inner, "below")]
    said = ", ".join(f"{count} more {where}" for count, where in more if count)
    word = [fit(line(Span(f"  {said}", "dim")), size)]
    shown = lines[top : top + inner]
    return [*word, *shown][:rows] if "below" not in said else [*shown, *word][:rows]
