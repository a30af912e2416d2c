"""Which curves a phase's figure shows, and which of them stand out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from staycourse.core.handoff import Ranked
from staycourse.core.ranking import mean_curve, ranked_setups
from staycourse.core.space import describe_setup
from staycourse.core.state import TrialState
from staycourse.core.trial import Curve, best_point, rank
from staycourse.report.facts import TRAIN_LOSS, Facts
from staycourse.report.markdown import number

MOST_LINES, MOST_POINTS, MOST_SETUPS, MARKED = 150, 400, 5, 3
_LABEL_WIDTH = 44
Band = tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class Line:
    """Finite (epoch, value) points. A marked line has a label and stands out; lines of one `group` have
    its colour; `best` is a point to mark; `band` holds (epoch, low, high) of what lies around the line."""

    points: Curve
    is_marked: bool = False
    label: str = ""
    group: int | None = None
    best: tuple[int, float] | None = None
    band: Band = ()


@dataclass(frozen=True)
class Chart:
    """One figure. `left_out` counts trials for which there was no room."""

    metric: str
    goal: str
    lines: tuple[Line, ...]
    left_out: int = 0
    is_by_setup: bool = False

    @property
    def has_bands(self) -> bool:
        return any(line.band for line in self.lines)


def chart_of(facts: Facts, phase: int) -> Chart | None:
    """What there is to draw of a phase, None if that is nothing."""
    trials = facts.state.trials_of(phase)
    if not any(facts.curves[trial.id] for trial in trials):
        return _train_chart(facts, trials)
    if len({trial.plan.repetition for trial in trials}) > 1:
        lines = _by_setup(facts, trials, in_bands=facts.kind(phase) == "compare")
        return _chart(facts, lines, is_by_setup=True)
    return _chart(facts, _single(facts, trials))


def _single(facts: Facts, trials: Sequence[TrialState]) -> list[Line]:
    """The best trials stand out; those that go on from another take its place."""
    gone_on = {trial.plan.parent for trial in trials if facts.curves[trial.id]}
    shown = [trial for trial in trials if trial.id not in gone_on or not facts.curves[trial.id]]
    places = rank([trial.trial() for trial in shown], facts.goal)
    marked = {trial.id: trial for trial in places[:MARKED]}
    order = [*marked, *(trial.id for trial in shown if trial.id not in marked)]
    lines = []
    for trial in order:
        best = marked[trial].best(facts.goal) if trial in marked else None
        label = f"{trial}  {number(best[1])} at epoch {best[0]}" if best else ""
        lines.append(Line(_points(facts.curves[trial]), trial in marked, label, best=best))
    return lines


def _by_setup(facts: Facts, trials: Sequence[TrialState], *, in_bands: bool) -> list[Line]:
    """Each set-up's mean in bold, its seeds thin and in the same colour, or in a band around it."""
    lines: list[Line] = []
    places = ranked_setups([trial.trial() for trial in trials], facts.goal)
    grouped = {trial for place in places for trial in place.trials}
    for at, place in enumerate(places):
        group = at if at < MOST_SETUPS else None
        curves = [facts.curves[trial] for trial in place.trials]
        mean = mean_curve(curves)
        label = f"{_name(facts, place, places)}  {number(place.score)} at epoch {place.epoch}"
        is_marked = group is not None
        best = best_point(mean, facts.goal) if is_marked else None
        lines.append(Line(_points(mean), is_marked, label, group, best, _band(curves) if in_bands else ()))
        if not in_bands:
            lines += [Line(_points(curve), group=group) for curve in curves if len(curves) > 1]
    return lines + [Line(_points(facts.curves[trial.id])) for trial in trials if trial.id not in grouped]


def _band(curves: Sequence[Curve]) -> Band:
    """The least and the greatest value at each epoch that all curves have, thinned as they are."""
    tables = [dict(curve) for curve in curves]
    return tuple(
        (epoch, min(values), max(values))
        for epoch, _ in _points(mean_curve(curves))
        if len(values := [table[epoch] for table in tables]) > 1
    )


def _name(facts: Facts, place: Ranked, places: Sequence[Ranked]) -> str:
    """The set-up's name, else the values in which it differs from the others."""
    if place.name:
        return place.name[:_LABEL_WIDTH]
    names = facts.roadmap.space.names
    differing = {
        name: place.setup[name]
        for name in names
        if name in place.setup and any(other.setup.get(name) != place.setup[name] for other in places)
    }
    words = describe_setup(differing) or ", ".join(place.trials)
    return words if len(words) <= _LABEL_WIDTH else words[: _LABEL_WIDTH - 1] + "…"


def _train_chart(facts: Facts, trials: Sequence[TrialState]) -> Chart | None:
    """The train loss of trials that hold nothing out."""
    lines: list[Line] = []
    for trial in trials:
        if points := _points(facts.train_curves.get(trial.id, ())):
            label = f"{trial.id}  {number(points[-1][1])} at epoch {points[-1][0]}"
            lines.append(Line(points, len(lines) < MARKED, label))
    return Chart(TRAIN_LOSS, "min", tuple(lines)) if lines else None


def _chart(facts: Facts, lines: Sequence[Line], *, is_by_setup: bool = False) -> Chart | None:
    found = [line for line in lines if line.points]
    shown = found[:MOST_LINES]
    if not shown:
        return None
    return Chart(facts.metric, facts.goal, tuple(shown), len(found) - len(shown), is_by_setup)


def _points(curve: Curve) -> Curve:
    """The finite points, thinned evenly where there are very many; the last one always stays."""
    finite = [point for point in curve if math.isfinite(point[1])]
    step = math.ceil(len(finite) / MOST_POINTS)
    return tuple(point for at, point in enumerate(reversed(finite)) if at % step == 0)[::-1] if finite else ()
