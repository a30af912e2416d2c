"""The earlier run that this one takes up: what was paid for there, and how it was sealed."""

from __future__ import annotations

from collections.abc import Iterator

from staycourse.core.space import describe_setup
from staycourse.record.lineage import Lineage, differences
from staycourse.report.facts import Facts
from staycourse.report.markdown import bullets, code, count, duration, escape, joined, number, table


def lineage_section(facts: Facts) -> str:
    """The earlier run, its closed phases with their cost, what came from it; empty where there is none."""
    lineage = facts.lineage
    if lineage is None:
        return ""
    return "\n\n".join(
        [
            "## Lineage",
            _story(lineage),
            _paid(lineage),
            "**Taken up:**",
            bullets(_taken_up(facts, lineage)),
            _differing(facts, lineage),
        ]
    )


def takes_up(facts: Facts) -> str:
    """The earlier run in the summary; empty where there is none."""
    lineage = facts.lineage
    if lineage is None:
        return ""
    paid = count(sum(phase.trials for phase in lineage.phases), "trial")
    return (
        f"{code(lineage.run)} ({lineage.status}), head {code(lineage.head[1][:8])}: "
        f"{paid} not paid for again ([Lineage](#lineage))"
    )


def seal_rows(facts: Facts) -> list[tuple[str, str]]:
    """The earlier run's seal and head in full, for the appendix."""
    lineage = facts.lineage
    if lineage is None:
        return []
    rows = [
        ("taken up", f"{code(lineage.run)}, at {code(lineage.folder)} when this run was sealed"),
        ("its seal", code(lineage.seal)),
        ("its head", f"{code(lineage.head[1])} (event {lineage.head[0]})"),
    ]
    return rows + [
        (f"{code(earlier['run'])} before it, head", code(earlier["head"])) for earlier in lineage.before
    ]


def unlike_the_earlier_run(facts: Facts) -> list[str]:
    """What is not as it was where the ranking and the ranges come from."""
    return differences(facts.lineage, facts.sealed.parts, facts.roadmap) if facts.lineage else []


def _story(lineage: Lineage) -> str:
    last = f"phase {len(lineage.phases)} ({escape(lineage.phases[-1].kind)})"
    ended = "was finished"
    if lineage.status == "abandoned":
        ended = f"was abandoned ({escape(lineage.reason) or 'no reason was given'})"
    words = (
        f"This campaign takes up what {last} of {code(lineage.run)} had handed on. That run, sealed "
        f"{code(lineage.seal[:8])}, {ended}; its last event is number {lineage.head[0]}, "
        f"{code(lineage.head[1][:8])}. Both stand in full in the appendix."
    )
    if lineage.before:
        words += f" It had taken up {joined([code(earlier['run']) for earlier in lineage.before])} in turn."
    return words


def _paid(lineage: Lineage) -> str:
    rows = [
        (f"{at} {escape(phase.kind)}", str(phase.trials), f"{phase.epochs:,}", duration(phase.seconds))
        for at, phase in enumerate(lineage.phases, start=1)
    ]
    trials, epochs, seconds = (
        sum(getattr(phase, name) for phase in lineage.phases) for name in ("trials", "epochs", "seconds")
    )
    rows.append(("in all", str(trials), f"{epochs:,}", duration(seconds)))
    spent = table(["phase there", "trials", "epochs", "training"], rows, right=[1, 2, 3])
    return f"{spent}\n\nThis was paid for there and not again: the cost above is this run's alone."


def _taken_up(facts: Facts, lineage: Lineage) -> Iterator[str]:
    handed = facts.roadmap.first_handoff
    yield f"the space: {joined([code(h.name) for h in handed.space])}"
    if handed.ranking:
        best = handed.ranking[0]
        yield (
            f"the ranking of {count(len(handed.ranking), 'set-up')}, the best with {code(lineage.metric)} "
            f"{number(best.score)} at epoch {best.epoch} ({', '.join(map(code, best.trials))}): "
            f"{escape(describe_setup(best.setup))}"
        )
    elif handed.best_values:
        yield f"the best values: {escape(describe_setup(handed.best_values))}"
    yield from map(escape, facts.roadmap.notes)


def _differing(facts: Facts, lineage: Lineage) -> str:
    if changed := unlike_the_earlier_run(facts):
        return f"Not as in {code(lineage.run)}: {joined(changed)}."
    return f"Code, data, environment, arguments and seed are those of {code(lineage.run)}."
