"""What holds running trials up, in the words of the engine's verdicts. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from staycourse.client import Snapshot, TrialView
from staycourse_tui.widgets.lines import Line, Span, fit, line, shorten, wrap_text

_GLYPH = "▲ "


Verdict = tuple[str, str]  # whose, "" where that is clear; what


def running_verdicts(snapshot: Snapshot) -> list[Verdict]:
    """Those on the trials that run, the newest of each trial first; none without an engine."""
    if not snapshot.is_engine_alive:
        return []
    running = [view for live in snapshot.live if (view := snapshot.trial(live.trial))]
    return [(view.id, text) for view in running for text in reversed(view.slowdowns)]


def verdicts_on(trial: TrialView) -> list[Verdict]:
    """Those on one trial, the newest first."""
    return [("", text) for text in reversed(trial.slowdowns)]


def slowdown_lines(verdicts: Sequence[Verdict], size: int, most: int) -> list[Line]:
    """Verdicts on `most` lines at most: in full where there is room for all of them, else the beginning of
    each."""
    whole = [made for trial, text in verdicts for made in _wrapped(trial, text, size)]
    if len(whole) <= most:
        return [fit(made, size) for made in whole]
    hidden = [0] * (most - 1) + [max(0, len(verdicts) - most)]
    return [_short(*verdict, size, more) for verdict, more in zip(verdicts, hidden, strict=False)]


def _wrapped(trial: str, text: str, size: int) -> list[Line]:
    head = _head(trial)
    first, *rest = wrap_text(text, size - len(head))
    return [line(Span(head, "warn"), *first), *(line(Span(" " * len(_GLYPH)), *made) for made in rest)]


def _short(trial: str, text: str, size: int, hidden: int) -> Line:
    head, more = _head(trial), f"  +{hidden} more" if hidden else ""
    shown = shorten(text, size - len(head) - len(more))
    return fit(line(Span(head, "warn"), Span(shown), Span(more, "dim")), size)


def _head(trial: str) -> str:
    return f"{_GLYPH}{trial} " if trial else _GLYPH
