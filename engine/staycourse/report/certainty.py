"""How sure a ranking is, in words: the winner's expected value, its lead, and how flat its best epoch is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycourse.core.handoff import Ranked
from staycourse.report.facts import Facts
from staycourse.report.markdown import NOTHING, bullets, code, count, number, signed
from staycourse.report.standing import Standing


def findings_of(facts: Facts, leading: Standing) -> Mapping[str, Any]:
    """What the phase that ranked found beside its ranking; empty where that was another run or version."""
    handoffs = facts.state.handoffs
    at = leading.phase
    return handoffs[at].findings if at is not None and at < len(handoffs) else {}


def expectation(facts: Facts, found: Mapping[str, Any] | None) -> str:
    """`val_loss 0.0934 (95% interval 0.0901 to 0.0967)` with the optimism that was taken out, or nothing."""
    if not found:
        return ""
    why = "because it was chosen among others, and its epoch on its own curves, by"
    side = "above" if facts.goal == "min" else "below"
    return (
        f"{code(facts.metric)} **{number(found['value'])}** with a new seed (95% interval of the mean "
        f"{number(found['low'])} to {number(found['high'])}); {number(found['optimism'], 2)} "
        f"{side} its measured mean, {why} the same {count(found['seeds'], 'seed')}"
    )


def flatness(found: Mapping[str, Any] | None) -> str:
    """`epochs 70 to 96 are as good as epoch 91 within noise`, or nothing."""
    if not found:
        return ""
    if not found["error"]:
        return ""
    if found["first"] == found["last"]:
        return f"no other epoch beside epoch {found['best']} is as good within noise"
    span = f"epochs {found['first']} to {found['last']}"
    return f"{span} are as good as epoch {found['best']} within noise (± {number(found['error'], 2)})"


def certainty(facts: Facts, findings: Mapping[str, Any]) -> str:
    """The block beside a ranking."""
    lines = []
    if "expected" in findings and not findings["expected"]:
        lines.append("One seed: neither what another would give nor the luck of having won can be known.")
    if said := expectation(facts, findings.get("expected")):
        lines.append(f"The winner's expected {said}.")
    if said := flatness(findings.get("flat")):
        lines.append(f"Of its mean curve {said}.")
    return f"**How sure that is.**\n\n{bullets(lines)}" if lines else ""


def against(rows: Sequence[Mapping[str, Any]], place: Ranked) -> list[str]:
    """Difference to the winner, its interval, p and verdict as cells of a table."""
    row = next((row for row in rows if row["trials"] == list(place.trials)), None)
    return [NOTHING, NOTHING, NOTHING, "best"] if row is None else difference_cells(row)


def difference_cells(row: Mapping[str, Any]) -> list[str]:
    """The same for a row of findings."""
    interval = row["interval"]
    span = f"{signed(interval[0])} to {signed(interval[1])}" if interval else NOTHING
    verdict = "the best is " + row["verdict"] if "better" in row["verdict"] else row["verdict"]
    if row["p"] is None:
        verdict += " (one seed)"
    return [signed(row["difference"]), span, number(row["p"], 2), verdict]


def ties(found: Mapping[str, Any] | None) -> str:
    """Why more set-ups were handed on than were to be kept, or nothing."""
    if not found or found["kept"] <= found["of"]:
        return ""
    by = "their paired differences over seeds"
    if found["by"] == "curves":
        by = f"a noise of {number(found['noise'], 2)} (at least: one seed, so the curves' own jitter counts)"
    more = found["kept"] - found["of"]
    return (
        f"**Ties.** {count(found['of'], 'set-up')} were to be kept, and {count(more, 'more', 'more')} that "
        f"cannot be told from the last of them, by {by}; at most {found['at_most']}."
    )
