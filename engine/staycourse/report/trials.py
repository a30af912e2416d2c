"""Tables of trials: what varies as columns, the best first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from staycourse.core.canonical import canonical_json
from staycourse.core.space import Setup, Value
from staycourse.core.state import RunStatus, TrialState, TrialStatus
from staycourse.core.trial import best_point, rank
from staycourse.report.facts import Facts
from staycourse.report.markdown import NOTHING, code, count, duration, escape, number, setting, table

MOST_ROWS, SHOWN_ROWS = 60, 40


def trials_table(facts: Facts, trials: Sequence[TrialState]) -> str:
    """The trials best first, those without a score after them; a long table is cut, and says so."""
    shown = _in_order(facts, trials)
    rest = len(shown) - SHOWN_ROWS if len(shown) > MOST_ROWS else 0
    if rest:
        shown = shown[:SHOWN_ROWS]
    varying, same = _varying(facts, trials)
    has_names = any(trial.plan.name for trial in trials)
    has_seeds = len({trial.plan.repetition for trial in trials}) > 1
    has_parents = any(trial.plan.parent for trial in trials)
    extra = [
        name
        for name, is_there in (("set-up", has_names), ("seed", has_seeds), ("goes on from", has_parents))
        if is_there
    ]
    figures = [code(facts.metric), "best epoch", "epochs", "time"]
    header = ["trial", *extra, *map(code, varying), *figures, "ended by"]
    first = 1 + len(extra)
    numbers = range(first, first + len(varying) + len(figures))
    rows = [_row(facts, trial, extra, varying) for trial in shown]
    kept = [at for at in range(len(header)) if at == 0 or any(row[at] != NOTHING for row in rows)]
    cells = [[row[at] for at in kept] for row in rows]
    right = [at for at, column in enumerate(kept) if column in numbers]
    body = table([header[at] for at in kept], cells, right)
    return "\n\n".join(filter(None, [_same_words(same), body, _rest_words(rest)]))


def _row(facts: Facts, trial: TrialState, extra: Sequence[str], varying: Sequence[str]) -> list[str]:
    plan, best = trial.plan, _best(facts, trial)
    more = {
        "set-up": escape(plan.name) or NOTHING,
        "seed": str(plan.repetition + 1),
        "goes on from": plan.parent or NOTHING,
    }
    return [
        plan.trial,
        *(more[name] for name in extra),
        *(setting(plan.setup.get(name)) for name in varying),
        *best,
        str(facts.epochs_done(trial)),
        duration(trial.end.seconds if trial.end else None),
        ended_by(facts, trial),
    ]


def _best(facts: Facts, trial: TrialState) -> tuple[str, str]:
    """Best value and its epoch; in italics, as a value so far, while the trial has not ended."""
    if trial.end is not None:
        scored = trial.trial().best(facts.goal)
        return (number(scored[1]), str(scored[0])) if scored else (NOTHING, NOTHING)
    so_far = best_point(facts.curves[trial.id], facts.goal)
    return (f"*{number(so_far[1])}*", f"*{so_far[0]}*") if so_far else (NOTHING, NOTHING)


def names_of(facts: Facts, setups: Iterable[Setup]) -> list[str]:
    """Names of the hyperparameters in these set-ups, in the roadmap's order."""
    found = dict.fromkeys(name for setup in setups for name in setup)
    known = [name for name in facts.roadmap.space.names if name in found]
    return known + [name for name in found if name not in known]


def ended_by(facts: Facts, trial: TrialState) -> str:
    """The rule that ended it, its failure, or that it has not ended."""
    if trial.end is None:
        is_held_up = trial.status is TrialStatus.RUNNING and facts.status is not RunStatus.RUNNING
        return "*not finished*" if is_held_up else f"*{trial.status}*"
    again = f"; {count(trial.attempts, 'attempt')}" if trial.attempts > 1 else ""
    if trial.outcome is not None and trial.outcome.is_ranked:
        words = f"all {trial.end.epochs} epochs" if trial.end.rule == "epochs" else escape(trial.end.rule)
        return words + again
    return f"**{escape(trial.end.outcome)}**: {code(trial.end.detail, 100)}{again}"


def _in_order(facts: Facts, trials: Sequence[TrialState]) -> list[TrialState]:
    by_id = {trial.id: trial for trial in trials}
    ranked = [by_id[trial.id] for trial in rank([t.trial() for t in trials], facts.goal)]
    scored = {trial.id for trial in ranked}
    others = [trial for trial in trials if trial.id not in scored]
    return [*ranked, *sorted(others, key=lambda trial: trial.end is not None)]


def _varying(facts: Facts, trials: Sequence[TrialState]) -> tuple[list[str], dict[str, Value]]:
    """Names of hyperparameters with more than one value in these trials, and the values of the others."""
    names = names_of(facts, [trial.plan.setup for trial in trials])
    values = {name: {canonical_json(trial.plan.setup.get(name)) for trial in trials} for name in names}
    varying = [name for name in names if len(values[name]) > 1]
    return varying, {name: trials[0].plan.setup[name] for name in names if name not in varying}


def _same_words(same: dict[str, Value]) -> str:
    if not same:
        return ""
    return "The same in every trial: " + ", ".join(f"{code(n)} {setting(v)}" for n, v in same.items()) + "."


def _rest_words(rest: int) -> str:
    if not rest:
        return ""
    return f"*The best {SHOWN_ROWS} are shown; {count(rest, 'more trial')} are in `run.db`, table `trial`.*"
