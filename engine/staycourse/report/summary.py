"""The first screen: what was asked, what won, by how much, at what cost, and what to doubt."""

from __future__ import annotations

from collections.abc import Mapping

from staycourse.core.handoff import Ranked
from staycourse.core.space import Fixed, Value
from staycourse.core.state import RunStatus
from staycourse.report.certainty import expectation, findings_of, flatness
from staycourse.report.doubts import doubts
from staycourse.report.facts import Facts
from staycourse.report.interruptions import interruptions
from staycourse.report.lineage import takes_up
from staycourse.report.markdown import (
    bullets,
    code,
    count,
    duration,
    escape,
    joined,
    moment,
    number,
    plus_minus,
    setting,
    table,
)
from staycourse.report.side_by_side import verdicts
from staycourse.report.slowdowns import slowed_words
from staycourse.report.standing import Standing, gap, measured_in, seeds_of, standing
from staycourse.report.trials import names_of


def summary(facts: Facts) -> str:
    """Title, status, seal, the summary's table, and the doubts."""
    leading = standing(facts)
    return "\n\n".join(
        [
            f"# {_title(facts)}",
            _status_line(facts),
            *_alerts(facts),
            "## Summary",
            table(["", ""], [(f"**{name}**", words) for name, words in _rows(facts, leading) if words]),
            "**What to doubt**",
            bullets(doubts(facts, leading)),
        ]
    )


def _title(facts: Facts) -> str:
    name = escape(facts.paths.name)
    if facts.status is RunStatus.ABANDONED:
        return f"ABANDONED: tuning report of {name}"
    return f"Tuning report of {name}" + (" (a rehearsal)" if facts.sealed.rehearsal else "")


def _status_line(facts: Facts) -> str:
    parts = [
        f"**{str(facts.status).capitalize()}**",
        f"sealed {code(facts.sealed.seal[:8])}",
        f"{moment(facts.begun)} to {moment(facts.until)}",
        f"staycourse {escape(facts.sealed.version)}",
    ]
    return " · ".join(parts)


def _alerts(facts: Facts) -> list[str]:
    """A word on a run that is not finished, in GitHub's alert form, which other readers show as a quote."""
    run, reason = code(facts.paths.name), escape(facts.state.reason) or "no reason was given"
    closed = [f"{facts.title(at)}" for at in range(len(facts.state.handoffs))]
    said = f"Closed so far: {joined(closed)}." if closed else "No phase is closed yet."
    alerts = {
        RunStatus.SEALED: ("NOTE", "Sealed, and not begun: the plan stands, and there are no results yet."),
        RunStatus.RUNNING: ("NOTE", f"Still running: this is how it stood at {moment(facts.until)}. {said}"),
        RunStatus.SUSPENDED: (
            "WARNING",
            f"Suspended ({escape(facts.state.reason) or 'no engine drives the run'}). {said} "
            f"`staycourse resume` goes on with {run} exactly where it was.",
        ),
        RunStatus.FAILED: ("CAUTION", f"A phase could not be finished: {reason}. {said}"),
        RunStatus.ABANDONED: (
            "CAUTION",
            f"This campaign was given up: {reason}. It names no winner and leaves no weights; every result "
            f"that it had is below. {said}",
        ),
    }
    if facts.status not in alerts:
        return []
    kind, words = alerts[facts.status]
    return [f"> [!{kind}]\n> {words}"]


def _rows(facts: Facts, leading: Standing | None) -> list[tuple[str, str]]:
    return [
        ("Asked", _asked(facts)),
        ("Plan", _plan(facts)),
        *_result_rows(facts, leading),
        ("Weights", _weights(facts)),
        ("Cost", _cost(facts)),
        ("Slowed", slowed_words(facts, leading)),
        ("Away", _away(facts)),
        ("Follows", _ancestor(facts)),
        ("Takes up", takes_up(facts)),
        ("Seal", code(facts.sealed.seal)),
    ]


def _asked(facts: Facts) -> str:
    wanted = "lowest" if facts.goal == "min" else "highest"
    names = [code(h.name) for h in facts.roadmap.space if not isinstance(h, Fixed)]
    over = f" over {joined(names)}" if names else ""
    return f"the {wanted} {code(facts.metric)} of {code(_task(facts))}{over}"


def _task(facts: Facts) -> str:
    """The task's file, or what a command runs: its words up to the first flag."""
    words = facts.roadmap.task.words.split()
    flags = [at for at, word in enumerate(words) if word.startswith("-") or "{" in word]
    return " ".join(words[: flags[0]] if flags else words)


def _plan(facts: Facts) -> str:
    kinds = [
        f"{phase.kind} ({planned.trials})"
        for phase, planned in zip(facts.roadmap.phases, facts.roadmap.plan(), strict=True)
    ]
    return " → ".join(kinds) + " trials at most"


def _result_rows(facts: Facts, leading: Standing | None) -> list[tuple[str, str]]:
    if leading is None:
        return []
    best = leading.best
    is_over = facts.status is RunStatus.FINISHED
    return [
        ("Won" if is_over else "Leads so far", _setup_words(facts, best)),
        ("Result", _result(facts, leading)),
        ("Expected", expectation(facts, findings_of(facts, leading).get("expected"))),
        ("Best epoch", flatness(findings_of(facts, leading).get("flat"))),
        ("Lead", _lead(facts, leading)),
        ("Equivalence", verdicts(findings_of(facts, leading).get("comparison", []))),
    ]


def _setup_words(facts: Facts, place: Ranked) -> str:
    named = f"**{escape(place.name)}**: " if place.name else ""
    return named + ", ".join(f"{code(name)} {setting(value)}" for name, value in _ordered(facts, place))


def _ordered(facts: Facts, place: Ranked) -> list[tuple[str, Value]]:
    return [(name, place.setup[name]) for name in names_of(facts, [place.setup])]


def _result(facts: Facts, leading: Standing) -> str:
    best, seeds = leading.best, seeds_of(facts, leading.best)
    over = f"mean and standard deviation over {count(seeds, 'seed')}" if seeds > 1 else "one seed"
    value = f"{code(facts.metric)} **{plus_minus(best.score, best.spread)}**"
    return f"{value} at epoch {best.epoch} of {measured_in(facts, leading)}, {over}"


def _lead(facts: Facts, leading: Standing) -> str:
    if len(leading.places) < 2:
        return "there is no runner-up"
    second = leading.places[1]
    found = gap(facts, leading.best, second)
    words = "lower" if facts.goal == "min" else "higher"
    runner_up = plus_minus(second.score, second.spread)
    lead = f"{number(found.difference, 2)} {words} than the runner-up ({runner_up})"
    if leading.phase is None:
        return f"{lead}; by the figures of {measured_in(facts, leading)}, whose curves are not here"
    if found.spread is None:
        return f"{lead}; one seed each, so there is no spread to judge it by"
    times = f", {found.difference / found.spread:.1f} times the spread" if found.spread else ", with a spread"
    return (
        f"{lead}{times} of that difference over {count(found.seeds, 'seed')} "
        f"({number(found.spread, 2)}); better with {found.wins} of {found.seeds}"
    )


def _weights(facts: Facts) -> str:
    if not facts.weights:
        return ""
    name = facts.weights[0]
    file = facts.state.files[name]
    digest = str(file.get("sha256", "") if isinstance(file, Mapping) else file)
    trained = [trial for trial in facts.trials if facts.kind(trial.plan.phase) == "final" and trial.end]
    how = f"{trained[-1].end.epochs} epochs" if trained and trained[-1].end else ""
    data = " on all the data, nothing held out" if trained and not trained[-1].plan.split else ""
    more = f" and {count(len(facts.weights) - 1, 'more file')}" if len(facts.weights) > 1 else ""
    return f"[final/{escape(name)}](#load-the-weights){more}, {how}{data} (SHA-256 {code(digest[:8])})"


def _cost(facts: Facts) -> str:
    if not facts.trials:
        return ""
    trained = sum(trial.end.seconds for trial in facts.trials if trial.end)
    epochs = sum(facts.epochs_of(trial) for trial in facts.trials)
    parts = [
        f"{duration(facts.wall_seconds)} of wall time",
        f"{duration(trained)} of training ({count(len(facts.trials), 'trial')}, {count(epochs, 'epoch')})",
    ]
    energy = [load.energy_kwh for load in facts.load if load.energy_kwh is not None]
    if energy:
        parts.append(f"{number(sum(energy), 2)} kWh on {count(len(energy), 'GPU')}")
    return ", ".join(parts)


def _away(facts: Facts) -> str:
    pauses = [pause.seconds or 0.0 for pause in interruptions(facts) if pause.end is not None]
    return f"{count(len(pauses), 'interruption')}, {duration(sum(pauses))} in all" if pauses else ""


def _ancestor(facts: Facts) -> str:
    ancestor = facts.sealed.ancestor
    if not ancestor:
        return ""
    return f"{code(ancestor.get('run', ''))}, which was abandoned: {escape(str(ancestor.get('reason', '')))}"
