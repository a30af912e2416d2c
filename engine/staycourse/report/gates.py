"""What the gates of a phase saw, warnings first; what they found in order stands in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycourse.report.facts import Facts
from staycourse.report.markdown import bullets, escape

_IN_ONE_LINE = {"fine": "In order", "cannot tell": "Cannot tell"}


def gates(facts: Facts, phase: int) -> str:
    """A block of Markdown; empty for a phase without gates."""
    findings: Sequence[Mapping[str, Any]] = facts.state.handoffs[phase].findings.get("gates", [])
    if not findings:
        return ""
    lines = [_finding(facts, each) for each in findings if each["level"] not in _IN_ONE_LINE]
    for level, words in _IN_ONE_LINE.items():
        said = [f"{escape(f['gate'])} ({escape(f['found'])})" for f in findings if f["level"] == level]
        if said:
            lines.append(f"{words}: {'; '.join(said)}.")
    return f"**Looked at when the phase ended:**\n\n{bullets(lines)}"


def _finding(facts: Facts, finding: Mapping[str, Any]) -> str:
    level, gate = str(finding["level"]).capitalize(), escape(finding["gate"])
    said = f"{_sentence(facts, finding['found'])} {_sentence(facts, finding['means'])}".strip()
    return f"**{level}: {gate}.** {said} *Next time:* {escape(finding['change'])}."


def _sentence(facts: Facts, words: str) -> str:
    """With a capital, unless it begins with a hyperparameter's name."""
    is_name = words.split(" ", 1)[0] in facts.roadmap.space.names
    return f"{escape(words if is_name else words[:1].upper() + words[1:])}." if words else ""
