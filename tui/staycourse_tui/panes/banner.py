"""How a run stands that does not run: what it has left, or what goes on with it."""

from __future__ import annotations

import os

from staycourse.core.state import RunStatus
from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.panes.trial import setup_items
from staycourse_tui.widgets.lines import Line, Span, fit, flow, join, line, width, wrap_spans, wrap_text

_GONE = "the engine is gone without a word: it was killed, or the machine went down"


def banner(frame: Frame, size: int) -> list[Line]:
    """Lines for a run that needs a word, none for one that runs."""
    snapshot = frame.snapshot
    makers = {
        RunStatus.SEALED: _sealed,
        RunStatus.SUSPENDED: _suspended,
        RunStatus.FINISHED: _finished,
        RunStatus.FAILED: _failed,
        RunStatus.ABANDONED: _abandoned,
    }
    maker = makers.get(snapshot.status)
    return [fit(made, size) for made in maker(frame, size)] if maker else []


def _sealed(frame: Frame, size: int) -> list[Line]:
    if frame.snapshot.is_engine_alive:
        return [line(Span("○ sealed: ", "warn"), Span("the engine is starting"))]
    said = line(Span("○ sealed: ", "warn"), Span("no engine has taken it up"))
    return _beside([said], _resume(frame, size, "it starts with:"), size)


def _suspended(frame: Frame, size: int) -> list[Line]:
    why = frame.snapshot.reason or _GONE
    return _beside(sentence("‖ suspended: ", "warn", why, size), _resume(frame, size), size)


def _failed(frame: Frame, size: int) -> list[Line]:
    lines = sentence("✗ failed: ", "bad", frame.snapshot.reason, size)
    resume = _resume(frame, size, "every result is kept; once its cause is mended:")
    return _beside(lines, resume, size)


def _finished(frame: Frame, size: int) -> list[Line]:
    head = line(Span("✓ finished ", "good"), Span("in " + fmt.duration(frame.snapshot.elapsed)))
    if not frame.winner:
        return [head, *_files(frame, size)]
    items = [*_score(frame), *setup_items(frame.snapshot, frame.winner)]
    lines = [(*head, Span(", winner:")), *(line(Span("  "), *made) for made in flow(items, size - 2))]
    return [*lines, *_files(frame, size)]


def _score(frame: Frame) -> list[Line]:
    """`val_loss 0.1038 ± 0.0022 at epoch 59` of the winner, its spread that over its seeds."""
    won = frame.won
    if won is None:
        return []
    spread = f" ± {fmt.number(won.spread)}" if won.spread is not None else ""
    value = Span(fmt.number(won.score) + spread, "strong")
    return [(Span(f"{frame.metric} ", "dim"), value, Span(f" at epoch {won.epoch}", "dim"))]


def _abandoned(frame: Frame, size: int) -> list[Line]:
    lines = sentence("⊘ abandoned: ", "bad", frame.snapshot.reason, size)
    return [*lines, *_files(frame, size)]


def sentence(head: str, role: str, text: str, size: int) -> list[Line]:
    """The text wrapped behind its head."""
    wrapped = wrap_text(text, size - len(head))
    first = line(Span(head, role), *wrapped[0])
    return [first, *(line(Span(" " * len(head)), *made) for made in wrapped[1:])]


def _resume(frame: Frame, size: int, said: str = "it goes on with:") -> list[Line]:
    command = f"staycourse resume {frame.snapshot.name}"
    return flow([(Span(said, "dim"),), (Span(command, "strong"),)], size)


def _beside(said: list[Line], resume: list[Line], size: int) -> list[Line]:
    """Both on one line where there is room."""
    joined = join([said[-1], resume[0]], "   ")
    is_short = len(said) == len(resume) == 1 and width(joined) <= size
    return [joined] if is_short else [*said, *resume]


def _files(frame: Frame, size: int) -> list[Line]:
    """Where weights and report are; the folder is said once."""
    if not frame.files:
        return []
    folder = short_path(frame.folder)
    names = [(Span(name, "strong"),) for name in frame.files]
    one = line(Span("in ", "dim"), Span(folder + "/  "), *join(names))
    if sum(len(span.text) for span in one) <= size:
        return [one]
    pieces = wrap_spans([Span(folder + "/")], size - 3)
    places = [line(Span("   " if at else "in ", "dim"), *made) for at, made in enumerate(pieces)]
    return [*places, *(line(Span("  "), *made) for made in flow(names, size - 2))]


def short_path(path: str) -> str:
    """The path from the home folder on, where it lies in it."""
    home = os.environ.get("HOME", "").rstrip("/")
    return "~" + path[len(home) :] if home and path.startswith(home + "/") else path
