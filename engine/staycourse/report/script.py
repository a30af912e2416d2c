"""A script that was driven through its own flags: how, what it used, and where it fell short of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from staycourse.core.command import RESUME
from staycourse.core.state import TrialState
from staycourse.report.facts import Facts
from staycourse.report.markdown import NOTHING, bullets, code, count, duration, fence, joined, size, table

BY_ITSELF = "script"
_MOST_NAMED = 8


def script_section(facts: Facts) -> str:
    """Empty for a task that is a file."""
    command = facts.sealed.facts.get("command")
    if not command:
        return ""
    parts = [
        "## The script",
        "Each trial ran in a copy of the sealed code, by its own flags; no shell had a part in it.",
        fence(facts.roadmap.task.command or ""),
        _example(facts),
        bullets(_deviations(facts)) or "It did all that the plan asked for.",
        _by_phase(facts),
    ]
    return "\n\n".join(filter(None, parts))


def deviations(facts: Facts) -> list[str]:
    """What of the plan a script could not do, for who doubts the result; none for a task that is a file."""
    return list(_deviations(facts)) if facts.sealed.facts.get("command") else []


def _example(facts: Facts) -> str:
    """What stood for the placeholders in the last trial that has ended."""
    said = [facts.said[trial.id] for trial in facts.trials if trial.end and trial.id in facts.said]
    lines = [str(fact["command"]) for fact in said if fact.get("command")]
    return f"In the last trial that was:\n\n{fence(lines[-1])}" if lines else ""


def _deviations(facts: Facts) -> Iterator[str]:
    final = [phase for phase in facts.roadmap.phases if phase.kind == "final"]
    if any(getattr(phase, "data", "all") == "split" for phase in final):
        yield "The final training held data back, as declared, and so saw less than all of it."
    over = [trial.id for trial in facts.trials if _started_over(facts, trial)]
    if over:
        yield f"The script cannot resume: {_named(over)} started over, from epoch 1, to the full length."
    own = [trial.id for trial in facts.trials if trial.end and trial.end.rule == BY_ITSELF]
    if own:
        yield f"The script ended {_named(own)} by itself, before a declared rule did."
    beyond = [
        trial.id for trial in facts.trials if trial.end and "had begun the next epoch" in trial.end.detail
    ]
    if beyond:
        yield (
            f"The script had begun another epoch when {_named(beyond)} was ended: what it left may be of it. "
            "Told `{stop_epoch}`, it would end by itself."
        )
    if not facts.sealed.facts.get("fingerprint"):
        yield "The seal does not cover the data: neither `[data] files` nor `links` name any."


def _started_over(facts: Facts, trial: TrialState) -> bool:
    if RESUME in facts.roadmap.task.flags:
        return False
    return trial.plan.parent is not None or trial.attempts > 1


def _named(trials: list[str]) -> str:
    more = len(trials) - _MOST_NAMED
    shown = trials if more <= 0 else trials[:_MOST_NAMED]
    return joined(shown) if more <= 0 else f"{', '.join(shown)} and {count(more, 'more trial')}"


def _by_phase(facts: Facts) -> str:
    rows = []
    for phase, declared in enumerate(facts.roadmap.phases):
        said = [facts.said[t.id] for t in facts.state.trials_of(phase) if t.id in facts.said]
        used = [fact for fact in said if "exit_code" in fact]
        if used:
            codes = ", ".join(sorted({_exit(fact["exit_code"]) for fact in used}))
            cpu = sum(float(fact.get("cpu_seconds") or 0) for fact in used)
            rows.append((f"{phase + 1} {declared.kind}", codes, duration(cpu), _most(used, "peak_rss_bytes")))
    header = ["phase", "exit codes", "CPU time", "memory of its largest process, max"]
    return table(header, rows, right=[2, 3]) if rows else ""


def _exit(value: Any) -> str:
    if not isinstance(value, int):
        return NOTHING
    return str(value) if value >= 0 else {-15: "SIGTERM", -9: "SIGKILL"}.get(value, f"signal {-value}")


def _most(facts: list[Mapping[str, Any]], name: str) -> str:
    return size(max(float(fact.get(name) or 0) for fact in facts))


def left_words(facts: Facts) -> str:
    """How to come by the weights that a script has left."""
    names = [code(f"final/{name}") for name in facts.weights]
    return (
        f"The script's own files as it has left them: {joined(names)}. `final/setup.json` tells their set-up."
    )
