"""All that is known of one roadmap without loading its task."""

from __future__ import annotations

from staycourse.client import RunSummary
from staycourse.core.phases.base import Planned
from staycourse.core.roadmap import Roadmap
from staycourse_tui import formatting as fmt
from staycourse_tui.home import FoundRoadmap, HomeFrame
from staycourse_tui.panes.banner import sentence
from staycourse_tui.panes.roadmaps import check_words
from staycourse_tui.panes.runs import standing
from staycourse_tui.widgets.lines import Line, Span, breakable, cell, flow, line

_MOST_RUNS = 3
_NEXT = "enter loads the task, checks it, and shows the plan"


def roadmap_details(frame: HomeFrame, found: FoundRoadmap, size: int) -> list[Line]:
    """As many lines as it takes; the caller scrolls."""
    glyph, role, word = check_words(found)
    if found.roadmap is None:
        lines = [line(Span(f"{glyph} {word}", role))]
        for problem in found.problems:
            lines += sentence("· ", "dim", breakable(problem, size - 2), size)
        return lines
    roadmap = found.roadmap
    lines = flow([(Span(f"{glyph} {word}", role),), (Span(_NEXT, "dim"),)], size) + _about(roadmap, size)
    for warning in roadmap.warnings:
        lines += sentence("! ", "warn", breakable(str(warning), size - 2), size)
    return [*lines, *_queue(roadmap, size), *_runs(frame, roadmap, size)]


def _about(roadmap: Roadmap, size: int) -> list[Line]:
    plan = roadmap.plan()
    trials, epochs = sum(one.trials for one in plan), sum(one.total_epochs for one in plan)
    goal = "smaller is better" if roadmap.objective.goal == "min" else "larger is better"
    items: list[Line] = [
        (Span(roadmap.name, "strong"),),
        (Span(f"{fmt.plural(trials, 'trial')}, {fmt.plural(epochs, 'epoch')} at most"),),
        (Span(f"{roadmap.objective.metric}, {goal}", "dim"),),
    ]
    return flow(items, size)


def _queue(roadmap: Roadmap, size: int) -> list[Line]:
    """A line a phase: its trials, and the epochs of each."""
    plan = roadmap.plan()
    widths = (
        max(len(one.kind) for one in plan),
        max(len(fmt.count(one.trials)) for one in plan),
        max(len(fmt.count(one.epochs_per_trial)) for one in plan),
    )
    return [made for at, one in enumerate(plan, start=1) for made in flow(_phase(at, one, widths), size)]


def _phase(at: int, one: Planned, widths: tuple[int, int, int]) -> list[Line]:
    kind, trials, epochs = widths
    of_trials, of_epochs = (_word(one.trials, "trial"), _word(one.epochs_per_trial, "epoch"))
    items: list[Line] = [
        (Span(f"{at} ", "dim"), Span(cell(one.kind, kind))),
        (Span(cell(fmt.count(one.trials), trials, right=True)), Span(of_trials, "dim")),
        (
            Span("of ", "dim"),
            Span(cell(fmt.count(one.epochs_per_trial), epochs, right=True)),
            Span(of_epochs, "dim"),
        ),
    ]
    return items + [(Span(f"{fmt.share(one.share)} of the data", "dim"),)] * (one.share < 1)


def _word(amount: int, word: str) -> str:
    return f" {word} " if amount == 1 else f" {word}s"


def _runs(frame: HomeFrame, roadmap: Roadmap, size: int) -> list[Line]:
    runs = frame.runs_of(roadmap)
    if not runs:
        return [line(Span("never sealed so far", "dim"))] if frame.runs is not None else []
    more = len(runs) - _MOST_RUNS
    lines = [made for run in runs[:_MOST_RUNS] for made in flow(_run(frame, run), size)]
    return lines + [line(Span(f"{fmt.plural(more, 'earlier run')}", "dim"))] * (more > 0)


def _run(frame: HomeFrame, run: RunSummary) -> list[Line]:
    glyph, role, word = standing(run)
    when = f"sealed {fmt.ago(run.sealed, frame.now)}" if run.sealed else ""
    return [(Span(run.name),), (Span(f"{glyph} {word}", role),), (Span(when, "dim"),)]
