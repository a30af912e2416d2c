"""What a narrow phase made of its model: ranges, options, and bounds that the best region touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycourse.core.narrowing import percent
from staycourse.core.space import Interval, Space, describe_setup, format_value
from staycourse.report.markdown import NOTHING, code, escape, joined, number, plus_minus, setting, table

Findings = Mapping[str, Any]


def narrowing(before: Space, findings: Findings) -> list[str]:
    """Blocks of Markdown; none where the phase has narrowed nothing by its kind."""
    return [_ranges(before, findings), _options(findings), _bounds(findings)]


def _ranges(before: Space, findings: Findings) -> str:
    changes = findings.get("ranges")
    if not changes:
        return ""
    rows = [_range(before, change) for change in changes]
    header = ["range", "scale", "before", "after", "still reaches its old"]
    return f"**Narrowed ranges.** {_why(findings)}\n\n{table(header, rows, right=[2, 3])}"


def _range(before: Space, change: Mapping[str, Any]) -> tuple[str, ...]:
    old, under = before.get(change["name"]), change.get("under", {})
    sides = [{"low": "lower", "high": "upper"}.get(side, "") for side in change.get("at_bound", [])]
    return (
        code(change["name"]) + (f" with {escape(describe_setup(under))}" if under else ""),
        "log" if isinstance(old, Interval) and old.log else "linear",
        " to ".join(map(format_value, change["from"])),
        " to ".join(map(format_value, change["to"])),
        f"{joined(sides)} end" if sides else NOTHING,
    )


def _why(findings: Findings) -> str:
    if reason := findings.get("not_narrowed"):
        return f"None: {escape(reason)}."
    if "confidence" not in findings:  # an earlier version spanned them by the best trials
        return f"Spanned by the best trials ({escape(', '.join(findings.get('from_trials', [])))}):"
    model = findings.get("model", {})
    failed = f" and {model['failed']} failures" if model.get("failed") else ""
    results = f" of {model['scored']} results{failed}" if "scored" in model else ""
    return (
        f"They hold {percent(findings['confidence'])} of the optima of a model{results}, all hyperparameters "
        f"at once; the noise between trainings of one set-up is {number(findings['noise'], 2)} by it:"
    )


def _options(findings: Findings) -> str:
    rows = [_option(row) for row in findings.get("options", []) if row["option"] != row["against"]]
    if not rows:
        return ""
    why = (
        "By how much the best loss with each option exceeds that with the leading one, by the model; an "
        "option is dropped where it is hardly ever as good within noise:"
    )
    header = ["choice", "option", "against", "trials", "difference", "as good in", "verdict"]
    return f"**Options.** {why}\n\n{table(header, rows, right=[3, 4, 5])}"


def _option(row: Mapping[str, Any]) -> tuple[str, ...]:
    verdict = escape(row["verdict"])
    return (
        code(row["name"]),
        setting(row["option"]),
        setting(row["against"]),
        f"{row['trials']} / {row['trials_against']}",
        NOTHING if row["difference"] is None else plus_minus(row["difference"], row["sd"]),
        f"{percent(round(row['share'], 3))} of draws",
        verdict if row["is_kept"] else f"**{verdict}**",
    )


def _bounds(findings: Findings) -> str:
    said: Sequence[str] = [*findings.get("expanded", []), *findings.get("warnings", [])]
    if not said:
        return ""
    lines = "\n".join(f"- {escape(line)}" for line in said)
    return f"**The best region touches a bound**, so the range was too small:\n\n{lines}"
