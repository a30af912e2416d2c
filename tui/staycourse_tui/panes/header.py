"""The first line: which run, where it is, how long it has to go, and whether its engine lives."""

from __future__ import annotations

from rich.cells import cell_len

from staycourse.client import Snapshot
from staycourse_tui import formatting as fmt
from staycourse_tui.widgets.lines import Line, Span, cell, fit, join, spread, width

GLYPHS = {
    "sealed": ("○", "warn"),
    "running": ("●", "good"),
    "suspended": ("‖", "warn"),
    "finished": ("✓", "good"),
    "failed": ("✗", "bad"),
    "abandoned": ("⊘", "bad"),
}
_FORMS = 6
SILENT_AFTER = 10.0  # seconds without a sign of life; readings of the machine come once a second


def header(snapshot: Snapshot, size: int, frozen: str = "", unread: float | None = None) -> Line:
    """The header in `size` cells, in the longest form that fits; what the shortest ones leave out are the
    times. `frozen` is the time at which the display was frozen, `unread` the seconds since the run could
    last be read, where it cannot be read now."""
    for form in range(_FORMS):
        left = _left(snapshot, form, unread)
        for right in (_right(snapshot, form, frozen), _right(snapshot, form, frozen, has_seal=False)):
            if width(left) + width(right) + (3 if form == 0 else 1) <= size:
                return spread(left, right, size)
    name = max(4, cell_len(snapshot.name) - (width(left) + width(right) + 1 - size))
    return fit(spread(_left(snapshot, _FORMS - 1, unread, name), right, size), size)


def _left(snapshot: Snapshot, form: int, unread: float | None, name: int | None = None) -> Line:
    glyph, role = GLYPHS[str(snapshot.status)]
    shown = snapshot.name if name is None else cell(snapshot.name, name)
    word = [] if str(snapshot.status) == "running" else [Span(f" {snapshot.status}", role)]
    title = (Span(f"{glyph} ", role), Span(shown, "strong"), *word)
    gap = ("   ", "  ", "  ")[form] if form < 3 else " "
    parts = [title, *_places(snapshot, form), _times(snapshot, form), _engine(snapshot, form, unread)]
    return join(parts, gap)


def _places(snapshot: Snapshot, form: int) -> list[Line]:
    phase, total = snapshot.phase, len(snapshot.phases)
    if phase is None or snapshot.status.is_over:
        return []
    begun = snapshot.begun
    planned = sum(view.trials for view in snapshot.phases)
    words = ("phase ", "trial ") if form < 2 else ("", "")
    return [
        (Span(words[0], "dim"), Span(f"{phase.index + 1}/{total} "), Span(phase.kind, "strong")),
        (Span(words[1], "dim"), Span(f"{begun}/{planned}")),
    ]


def _times(snapshot: Snapshot, form: int) -> Line:
    """What has passed and what is left; the two shortest forms leave out the one, then the other."""
    if form == _FORMS - 1 or str(snapshot.status) == "sealed":
        return ()
    spent = Span(fmt.duration(snapshot.elapsed))
    if snapshot.status.is_over or not snapshot.is_engine_alive:
        return (Span("after ", "dim"), spent)
    passed = (spent,) if form < _FORMS - 2 else ()
    return join([passed, _eta(snapshot, form)], "  " if form < 3 else " ")


def _eta(snapshot: Snapshot, form: int) -> Line:
    if snapshot.eta is None:
        return (Span("ETA after a trial" if form < 2 else "ETA ?", "dim"),)
    return (
        Span("ETA ", "dim"),
        Span(fmt.remaining(snapshot.eta.seconds)),
        Span((" ±" if form < 3 else "±") + fmt.rough(snapshot.eta.spread), "dim"),
    )


def _engine(snapshot: Snapshot, form: int, unread: float | None) -> Line:
    if unread is not None:
        return (Span(("not readable for " if form < 3 else "unread ") + fmt.age(unread), "bad"),)
    if snapshot.status.is_over:
        return ()
    if not snapshot.is_engine_alive:
        return (Span("no engine", "warn"),) if form < 3 else ()
    quiet = snapshot.engine_age
    if quiet is not None and quiet >= SILENT_AFTER:
        word = "engine silent for " if form < 2 else "silent "
        return (Span(word + fmt.age(quiet), "warn"),)
    word = "engine " if form < 2 else ""
    return (
        Span(word, "dim"),
        Span("♥", "good"),
        Span(f" {fmt.age(quiet or 0.0)}" if form < 3 else fmt.age(quiet or 0.0)),
    )


def _right(snapshot: Snapshot, form: int, frozen: str, *, has_seal: bool = True) -> Line:
    parts: list[Line] = []
    if frozen:
        parts.append((Span(f"FROZEN {frozen}" if form < 2 else "FROZEN", "warn"),))
    if has_seal and snapshot.seal:
        parts.append((Span("sealed " if form == 0 else "", "dim"), Span(snapshot.seal[:8])))
    if not snapshot.status.is_over:
        parts.append((Span("LOCKED", "lock"),))
    return join(parts, "   " if form == 0 else " ")
