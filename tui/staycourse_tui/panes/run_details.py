"""How one run stands, in as many words as it takes."""

from __future__ import annotations

from staycourse.client import RunSummary
from staycourse.core.space import format_value
from staycourse_tui import formatting as fmt
from staycourse_tui.home import HomeFrame
from staycourse_tui.panes.banner import sentence, short_path
from staycourse_tui.panes.queue import phase_line
from staycourse_tui.panes.runs import standing
from staycourse_tui.widgets.lines import Line, Span, breakable, flow

_GONE = "the engine is gone without a word: it was killed, or the machine went down"


def why_closed(run: RunSummary) -> str:
    """Why the run cannot be opened; empty if it can."""
    if run.unanswered:
        return f"{run.name}: its file system has not answered for {fmt.duration(run.unanswered)}"
    if run.status == "unread":
        return f"{run.name} is being read"
    if run.status in ("damaged", "unreadable"):
        return f"{run.name} is {run.status}: {run.problem}"
    return ""


def run_details(frame: HomeFrame, run: RunSummary, size: int) -> list[Line]:
    """As many lines as it takes; the caller scrolls."""
    lines = [*_standing(frame, run, size), *_next(run, size)]
    lines += [phase_line(run, phase, size) for phase in run.phases]
    where = breakable(short_path(str(run.folder)), size - 3)
    return [*lines, *_times(run, size), *sentence("in ", "dim", where, size)]


def _standing(frame: HomeFrame, run: RunSummary, size: int) -> list[Line]:
    glyph, role, word = standing(run)
    why = _why(frame, run)
    if why:
        return sentence(f"{glyph} {word}: ", role, breakable(why, size - len(word) - 4), size)
    spent = fmt.duration(run.elapsed(frame.now))
    if run.status == "finished":
        winner = [(Span("winner:", "dim"),)] if run.winner else []
        items = [
            (Span(f"{name} ", "dim"), Span(format_value(value))) for name, value in (run.winner or {}).items()
        ]
        return flow([(Span(f"{glyph} {word}", role), Span(f" in {spent}")), *winner, *items], size)
    return flow([(Span(f"{glyph} {word}", role),), (Span(f"for {spent}"),), _eta(run)], size)


def _why(frame: HomeFrame, run: RunSummary) -> str:
    """What there is to say about a run that does not go on by itself."""
    if run.unanswered:
        return f"its file system has not answered for {fmt.duration(run.unanswered)}"
    if run.status == "sealed":
        return "the engine is starting" if run.is_engine_alive else "no engine has taken it up"
    if run.status == "suspended":
        return run.reason or _GONE
    if run.status == "unread":
        return "its ledger is read from the first event on"
    return run.problem or (run.reason if run.status != "finished" else "")


def _eta(run: RunSummary) -> Line:
    if run.eta is None:
        return (Span("ETA after a trial", "dim"),)
    spread = Span(f" ±{fmt.rough(run.eta.spread)}", "dim")
    return (Span("ETA ", "dim"), Span(fmt.remaining(run.eta.seconds)), spread)


def _next(run: RunSummary, size: int) -> list[Line]:
    """The command that goes on with it, or that looks into it."""
    if run.unanswered or run.is_engine_alive:
        return []
    says = {
        "sealed": ("it goes on with:", "resume"),
        "suspended": ("it goes on with:", "resume"),
        "failed": ("every result is kept; once its cause is mended:", "resume"),
        "damaged": ("the first thing that does not fit is named by:", "verify"),
    }
    if run.status not in says:
        return []
    said, command = says[run.status]
    return flow([(Span(said, "dim"),), (Span(f"staycourse {command} {run.name}", "strong"),)], size)


def _times(run: RunSummary, size: int) -> list[Line]:
    if run.sealed is None or run.last is None:
        return []
    parts = [("sealed", run.sealed)] + [("last event", run.last)] * (not run.is_engine_alive)
    return flow(
        [
            (Span(f"{word} ", "dim"), Span(moment.astimezone().strftime("%Y-%m-%d %H:%M")))
            for word, moment in parts
        ],
        size,
    )
