"""What a phase saw beside its trials: floor, phases of training, eliminations, ranges, comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycourse.core.space import Space
from staycourse.report.certainty import against, certainty, ties
from staycourse.report.facts import Facts
from staycourse.report.markdown import (
    NOTHING,
    code,
    escape,
    number,
    plus_minus,
    setting,
    signed,
    table,
)
from staycourse.report.region import narrowing
from staycourse.report.side_by_side import differing, side_by_side
from staycourse.report.standing import seeds_of


def evidence(facts: Facts, phase: int) -> list[str]:
    """The findings of a closed phase, a block of Markdown each."""
    findings = facts.state.handoffs[phase].findings
    blocks = [
        _floor(facts, findings.get("floor")),
        _training_phases(facts, findings.get("training_phases", [])),
        _elimination(facts, findings.get("elimination", [])),
        *narrowing(space_before(facts, phase), findings),
        _ranking(facts, phase),
        certainty(facts, findings),
        ties(findings.get("ties")),
        *side_by_side(facts, findings.get("comparison", [])),
    ]
    return [block for block in blocks if block]


def space_before(facts: Facts, phase: int) -> Space:
    """The space that the phase was handed."""
    return facts.state.handoffs[phase - 1].space if phase else facts.roadmap.space


def _floor(facts: Facts, floor: Mapping[str, Any] | None) -> str:
    if not floor:
        return ""
    name = "Loss floor" if facts.goal == "min" else "Best level"
    return (
        f"**{name}:** {code(facts.metric)} {number(floor['value'])}, reached by {escape(floor['trial'])} at "
        f"epoch {floor['epoch']}."
    )


def _training_phases(facts: Facts, pieces: Sequence[Mapping[str, Any]]) -> str:
    if not pieces:
        return ""
    rows = [
        (
            escape(piece["kind"]),
            f"{piece['first']} to {piece['last']}",
            number(piece["begin"]),
            number(piece["end"]),
            signed(piece["end"] - piece["begin"]),
        )
        for piece in pieces
    ]
    header = ["training", "epochs", "from", "to", "change"]
    best = f"The best trial's course, by its best {code(facts.metric)} so far:"
    return f"**Significant phases of training.** {best}\n\n{table(header, rows, right=[1, 2, 3, 4])}"


def _elimination(facts: Facts, verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Nothing where no choice was open any more."""
    if not verdicts:
        return ""
    rows = [
        (
            code(verdict["hyperparameter"]),
            setting(verdict["option"]),
            setting(verdict["against"]),
            f"{verdict['trials']} / {verdict['trials_against']}",
            f"{number(verdict['median'])} / {number(verdict['median_against'])}",
            signed(verdict.get("difference")),
            number(verdict.get("noise"), 2),
            number(verdict["p"], 2),
            _elimination_words(verdict),
        )
        for verdict in verdicts
    ]
    metric = code(facts.metric)
    header = [
        "choice",
        "option",
        "against",
        "trials",
        f"median {metric}",
        "difference",
        "noise",
        "p",
        "verdict",
    ]
    why = (
        "Each option beside the leading one; an option is eliminated at p ≤ 0.05, and kept where nobody "
        "can tell. p is the probability that, of options as good as the best, any would look as bad (a "
        "permutation test on ranks, all options at once, without what the other hyperparameters explain; "
        "trials without a score rank last). Difference and noise (standard deviation within an option) are "
        "in the metric's units:"
    )
    return f"**Eliminated options.** {why}\n\n{table(header, rows, right=[3, 4, 5, 6, 7])}"


def _elimination_words(verdict: Mapping[str, Any]) -> str:
    said = escape(verdict["verdict"])
    note = f": {escape(verdict['note'])}" if verdict.get("note") else ""
    return f"**{said}**" if verdict["is_eliminated"] else said + note


def _ranking(facts: Facts, phase: int) -> str:
    """Set-ups over their seeds; where each has one trial only, the table of trials says it all."""
    places = facts.state.handoffs[phase].ranking
    own = {trial.id for trial in facts.state.trials_of(phase)}
    if not any(len(place.trials) > 1 for place in places) or not own.issuperset(places[0].trials):
        return ""
    names = differing(facts, [place.setup for place in places])
    beside = facts.state.handoffs[phase].findings.get("versus")
    rows = [
        (
            str(at),
            *([escape(place.name) or NOTHING] if any(p.name for p in places) else []),
            *(setting(place.setup.get(name)) for name in names),
            plus_minus(place.score, place.spread),
            str(seeds_of(facts, place)),
            str(place.epoch),
            *(against(beside, place) if beside else []),
            ", ".join(place.trials),
        )
        for at, place in enumerate(places, start=1)
    ]
    named = ["set-up"] if any(place.name for place in places) else []
    header = ["place", *named, *map(code, names), code(facts.metric), "seeds", "best epoch"]
    numbers = range(1 + len(named), len(header))
    why = (
        "By the mean curve over the seeds; ± is the standard deviation over them, at that epoch. A set-up of "
        "which a seed failed stands behind those of which none did"
    )
    if beside:
        header += ["difference to the best", "95% interval", "p", "verdict"]
        why += ". Differences are taken seed by seed; interval and p allow for all pairs of set-ups"
    header.append("trials")
    return f"**Ranking.** {why}:\n\n{table(header, rows, numbers)}"
