"""The report as one text, and its figures beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from staycourse.record.files import write_atomically
from staycourse.record.paths import RunPaths
from staycourse.report import figures
from staycourse.report.appendix import appendix
from staycourse.report.curves import Chart, chart_of
from staycourse.report.data import data_section
from staycourse.report.facts import Facts, read_facts
from staycourse.report.insight import insight
from staycourse.report.lineage import lineage_section
from staycourse.report.markdown import code, count, escape
from staycourse.report.operation import operation_section
from staycourse.report.phases import phases_section
from staycourse.report.script import script_section
from staycourse.report.summary import summary
from staycourse.report.winner import winner_section

_FOOT = "*Written by staycourse from the run's ledger; `staycourse report` writes it again.*"
log = logging.getLogger("staycourse.report")


def write_report(paths: RunPaths, output: Path | None = None) -> Path:
    """Write the report of a run in any state, and its figures in `figures/` beside it; returns its path.

    Only reads the run; every file is replaced as a whole. Equal runs give equal bytes. Belongs into another
    process than the supervisor's, for it tries the run's lock. Raises NothingToReport, RoadmapError,
    sqlite3.Error, or OSError if it cannot be written.
    """
    target = (output or paths.report).absolute()
    facts = read_facts(paths)
    charts = {phase: chart for phase in range(len(facts.roadmap.phases)) if (chart := chart_of(facts, phase))}
    # Elsewhere the reports of several runs may lie side by side.
    is_at_home = target.parent.resolve() == paths.root.resolve()
    prefix = "" if is_at_home else f"{paths.name}-"
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent / "figures"
    words = {phase: _curves(facts, phase, chart, folder, prefix) for phase, chart in charts.items()}
    insights = {
        phase: _insight(facts, phase, folder, f"{prefix}{phase + 1}-{facts.kind(phase)}-")
        for phase in range(len(facts.roadmap.phases))
    }
    write_atomically(target, document(facts, words, insights))
    return target


def document(facts: Facts, figure_words: Mapping[int, str], insights: Mapping[int, str]) -> str:
    """The whole report; `figure_words` is each phase's figure as Markdown, `insights` what its
    hyperparameters did."""
    parts = [
        summary(facts),
        lineage_section(facts),
        phases_section(facts, figure_words, insights),
        winner_section(facts),
        script_section(facts),
        data_section(facts),
        operation_section(facts),
        appendix(facts),
        _FOOT,
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _insight(facts: Facts, phase: int, folder: Path, prefix: str) -> str:
    try:
        return insight(facts, phase, partial(_figure, folder, prefix))
    except Exception as error:  # whatever a numerical library meets, the results are still to be told
        log.warning("the hyperparameters of %s could not be judged: %s", facts.title(phase), error)
        said = escape(f"{type(error).__name__}: {error}")
        return f"*What the hyperparameters did could not be computed: {said}*"


def _curves(facts: Facts, phase: int, chart: Chart, folder: Path, prefix: str) -> str:
    alternative = f"{chart.metric} by epoch, {facts.title(phase)}"
    name = f"{prefix}{phase + 1}-"
    return _figure(folder, name, facts.kind(phase), lambda: figures.draw(chart), alternative, _caption(chart))


def _figure(
    folder: Path, prefix: str, kind: str, draw: Callable[[], str], alternative: str, caption: str
) -> str:
    """Draw and write one figure; returns its Markdown. A report without a figure beats none at all."""
    name = f"{prefix}{kind}.svg"
    try:
        text = draw()
        folder.mkdir(exist_ok=True)
        write_atomically(folder / name, text)
    except Exception as error:  # whatever a drawing library meets, the results are still to be told
        log.warning("figure %s could not be drawn: %s", name, error)
        return f"*The figure could not be drawn: {escape(f'{type(error).__name__}: {error}')}*"
    return f"![{escape(alternative)}](figures/{name})\n\n*{caption}*"


def _caption(chart: Chart) -> str:
    metric = code(chart.metric)
    if chart.has_bands:
        words = (
            f"{metric} by epoch: the mean of each set-up, in a band from the least to the greatest value of "
            "its seeds; dots mark the best epochs."
        )
    elif chart.is_by_setup:
        words = (
            f"{metric} by epoch: the mean of each set-up in bold, its seeds thin; dots mark the best epochs."
        )
    elif any(line.best for line in chart.lines):
        words = f"{metric} by epoch: all trials thin, the best in colour, their best epochs marked."
    else:
        words = f"{metric} by epoch."
    return words + (f" {count(chart.left_out, 'more curve')} left out." if chart.left_out else "")
