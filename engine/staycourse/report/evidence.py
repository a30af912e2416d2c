"""What a phase saw beside its trials: floor, phases of training, eliminations, ranges, comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycourse.core.space import Interval, Space, describe_setup, format_value
from staycourse.report.facts import Facts
from staycourse.report.markdown import (
    NOTHING,
    code,
    escape,
    joined,
    number,
    plus_minus,
    setting,
    signed,
    table,
)
from staycourse.report.standing import seeds_of
from staycourse.report.trials import names_of


def evidence(facts: Facts, phase: int) -> list[str]:
    """The findings of a closed phase, a block of Markdown each."""
    findings = facts.state.handoffs[phase].findings
    blocks = [
        _floor(facts, findings.get("floor")),
        _training_phases(facts, findings.get("training_phases", [])),
        _elimination(facts, findings.get("elimination", [])),
        _ranges(facts, phase, findings),
        _ranking(facts, phase),
        _comparison(facts, findings.get("comparison", [])),
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
            number(verdict.get("difference")),
            number(verdict.get("noise"), 2),
            number(verdict["p"], 2),
            f"**{escape(verdict['verdict'])}**" if verdict["is_eliminated"] else escape(verdict["verdict"]),
        )
        for verdict in verdicts
    ]
    header = ["choice", "option", "against", "trials", "median", "worse by", "noise", "p", "verdict"]
    why = (
        "Each option against the one with the best median, by ranks; trials without a score rank last. "
        "*p* is how likely any option would look as beaten if all were equal; eliminated at p ≤ 0.05, else "
        "kept. *Worse by* is the median over all pairs of trials, *noise* the standard deviation under an "
        "option:"
    )
    return f"**Eliminated options.** {why}\n\n{table(header, rows, right=[3, 4, 5, 6, 7])}"


def _ranges(facts: Facts, phase: int, findings: Mapping[str, Any]) -> str:
    if not (changes := findings.get("ranges")):
        return ""
    before = space_before(facts, phase)
    rows = []
    for change in changes:
        old, under = before.get(change["name"]), change.get("under", {})
        scale = "log" if isinstance(old, Interval) and old.log else "linear"
        sides = [{"low": "lower", "high": "upper"}.get(side, "") for side in change.get("at_bound", [])]
        rows.append(
            (
                code(change["name"]) + (f" with {escape(describe_setup(under))}" if under else ""),
                scale,
                " to ".join(map(format_value, change["from"])),
                " to ".join(map(format_value, change["to"])),
                f"{joined(sides)} end" if sides else NOTHING,
            )
        )
    who = ", ".join(findings.get("from_trials", []))
    header = ["range", "scale", "before", "after", "still reaches its old"]
    why = f"Spanned by the best trials ({escape(who)}), with a tenth of the old range added at both ends:"
    return f"**Narrowed ranges.** {why}\n\n{table(header, rows, right=[2, 3])}"


def _ranking(facts: Facts, phase: int) -> str:
    """Set-ups over their seeds; where each has one trial only, the table of trials says it all."""
    places = facts.state.handoffs[phase].ranking
    own = {trial.id for trial in facts.state.trials_of(phase)}
    if not any(len(place.trials) > 1 for place in places) or not own.issuperset(places[0].trials):
        return ""
    names = _differing(facts, [place.setup for place in places])
    rows = [
        (
            str(at),
            *([escape(place.name) or NOTHING] if any(p.name for p in places) else []),
            *(setting(place.setup.get(name)) for name in names),
            plus_minus(place.score, place.spread),
            str(seeds_of(facts, place)),
            str(place.epoch),
            ", ".join(place.trials),
        )
        for at, place in enumerate(places, start=1)
    ]
    named = ["set-up"] if any(place.name for place in places) else []
    header = ["place", *named, *map(code, names), code(facts.metric), "seeds", "best epoch", "trials"]
    numbers = range(1 + len(named), len(header) - 1)
    why = "By the mean curve over the seeds; ± is the standard deviation over them, at that epoch:"
    return f"**Ranking.** {why}\n\n{table(header, rows, numbers)}"


def _comparison(facts: Facts, places: Sequence[Mapping[str, Any]]) -> str:
    if not places:
        return ""
    names = _differing(facts, [place["setup"] for place in places])
    rows = [
        (
            escape(place["name"]),
            *(setting(place["setup"].get(name)) for name in names),
            plus_minus(place["score"], place["spread"]),
            str(place["epoch"]),
            NOTHING if at == 0 else signed(place["difference"]),
            NOTHING if at == 0 else number(place["difference_spread"], 2),
            "best" if at == 0 else _verdict(place),
        )
        for at, place in enumerate(places)
    ]
    header = ["set-up", *map(code, names), code(facts.metric), "best epoch"]
    header += ["difference to the best", "its spread over seeds", "verdict"]
    numbers = range(1, len(header) - 1)
    return f"**Side by side.** Differences are taken seed by seed:\n\n{table(header, rows, numbers)}"


def _verdict(place: Mapping[str, Any]) -> str:
    difference, spread = place["difference"], place["difference_spread"]
    if difference is None or spread is None:
        return "one seed: cannot tell"
    if abs(difference) <= spread:
        return "within its spread: cannot tell"
    return f"worse by {abs(difference) / spread:.1f} times the spread" if spread else "worse with every seed"


def _differing(facts: Facts, setups: Sequence[Mapping[str, Any]]) -> list[str]:
    return [name for name in names_of(facts, setups) if len({repr(setup.get(name)) for setup in setups}) > 1]
