"""What the hyperparameters did in a phase: shares, plots, and how far to trust them."""

from __future__ import annotations

from collections.abc import Callable

from staycourse.report import study_figures
from staycourse.report.facts import Facts
from staycourse.report.importance import LEAST_EXPLAINED, Importance, importance
from staycourse.report.markdown import code, count, joined
from staycourse.report.study import Study, study_of

# Draws a figure, writes it under a name of that kind, and returns its Markdown.
Place = Callable[[str, Callable[[], str], str, str], str]
_LEAST_PARALLEL = 3
_GOOD = 0.7


def insight(facts: Facts, phase: int, place: Place) -> str:
    """The part of a phase's section; empty for a phase that has too little to show."""
    study = study_of(facts, phase)
    if study is None:
        return ""
    where = facts.title(phase)
    names = joined([column.name for column in study.columns])
    parts = [
        "**What the hyperparameters did.**",
        _importance(study, place, where),
        place(
            "axes",
            lambda: study_figures.draw_axes(study),
            f"{study.metric} against {names}, {where}",
            f"{code(study.metric)} of each trial against each hyperparameter{_when(facts, phase)}.",
        ),
    ]
    if len(study.columns) >= _LEAST_PARALLEL:
        said = "Each line is a trial, from its values to its score"
        absent = "; absent is what does not exist under its options" if _has_absent(study) else ""
        parts.append(
            place(
                "parallel",
                lambda: study_figures.draw_parallel(study),
                f"parallel coordinates of {names} and {study.metric}, {where}",
                f"{said}; the best in colour{absent}.",
            )
        )
    return "\n\n".join(filter(None, parts))


def _when(facts: Facts, phase: int) -> str:
    has_gone_on = any(trial.plan.parent for trial in facts.state.trials_of(phase))
    return ", as it was before the kept trials went on" if has_gone_on else ""


def _has_absent(study: Study) -> bool:
    return any(column.name not in row.setup for column in study.columns for row in study.rows)


def _importance(study: Study, place: Place, where: str) -> str:
    if len(study.columns) < 2:
        return ""
    found = importance(study)
    scores = count(len(study.scored), "score")
    if found is None:
        return f"Which of them mattered most: cannot tell from {scores}."
    if not found.shares:
        return (
            f"Which of them mattered most: cannot tell. A model of the {scores} explains "
            f"{_explained(found)} of scores that it has not seen (at least {LEAST_EXPLAINED:.0%} are needed)."
        )
    shares = sorted(found.shares, key=lambda share: -share.total)
    said = ", ".join(f"{share.name} {share.main:.0%} ({share.total:.0%})" for share in shares)
    picture = place(
        "importance",
        lambda: study_figures.draw_importance(found),
        f"share of the variance of {study.metric}, alone (with interactions): {said}, {where}",
        _caption(study, found),
    )
    failed = len(study.rows) - len(study.scored)
    left_out = f" {count(failed, 'trial')} without a score {'is' if failed == 1 else 'are'} left out."
    return picture + (left_out if failed else "")


def _caption(study: Study, found: Importance) -> str:
    scale = f"the logarithm of {code(study.metric)}" if found.is_log else code(study.metric)
    trust = "A good guide" if found.explained >= _GOOD else "A rough guide"
    return (
        f"How much of the variance of {scale} over the whole space goes back to each hyperparameter: "
        f"functional ANOVA of a Gaussian process on {count(found.trials, 'score')}. {trust}: the model "
        f"explains {_explained(found)} of scores that it has not seen."
    )


def _explained(found: Importance) -> str:
    return f"{max(0.0, found.explained):.0%} of the variance" if found.explained > 0 else "nothing"
