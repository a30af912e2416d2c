"""What it takes to repeat and to verify the run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from staycourse.core import events as ev
from staycourse.report.facts import Facts
from staycourse.report.lineage import seal_rows
from staycourse.report.markdown import (
    bullets,
    code,
    count,
    details,
    escape,
    fence,
    moment,
    plain,
    size,
    table,
)


def appendix(facts: Facts) -> str:
    """Repeat, seal and ledger, environment, sessions, code, roadmap."""
    sealed = facts.sealed
    return "\n\n".join(
        [
            "## Appendix: to repeat and to verify",
            "### Repeat the run",
            _repeat(facts),
            "### Seal and ledger",
            _seal(facts),
            "### Environment",
            _facts_table(_flat(sealed.environment)) or "The seal holds no facts about the environment.",
            _sessions(facts),
            "### Sealed code",
            _code(sealed.code),
            *_outside(sealed.facts.get("outside")),
            "### Roadmap",
            *_warnings(facts),
            details("The sealed roadmap, whole", fence(facts.text, "toml")),
        ]
    )


def _warnings(facts: Facts) -> list[str]:
    """Those that are about no phase; the others stand under theirs."""
    words = [escape(str(w)) for w in facts.roadmap.warnings if facts.phase_of(w) is None]
    return ["Warned of before the seal:", bullets(words)] if words else []


def _repeat(facts: Facts) -> str:
    folder, command = facts.sealed.folder, facts.sealed.command
    lines = [f"cd {shlex.quote(folder)}", command] if folder else [command]
    same = "the same numbers come out, to the last bit on a CPU"
    if facts.roadmap.task.command is not None:
        same = "the same numbers come out, as far as the script gives the same numbers for the same seed"
    other = "numbers come out that differ as far as the data does, which answers differently each time"
    return (
        f"{fence(chr(10).join(' '.join(line.split()) for line in lines), 'sh')}\n\n"
        f"With the same code, data and environment, {same if facts.is_exact else other}. "
        f"The roadmap is the one below; on this machine it was {code(facts.sealed.roadmap)}."
    )


def _seal(facts: Facts) -> str:
    sealed, (seq, digest) = facts.sealed, facts.head
    rows = [("seal", code(sealed.seal)), ("sealed", moment(facts.begun))]
    rows += [(f"{escape(name)} (SHA-256)", code(value)) for name, value in sealed.parts.items()]
    rows += seal_rows(facts)
    rows.append(("ledger's head", f"event {seq}, {code(digest)}"))
    for name, file in facts.state.files.items():
        digest = file.get("sha256", "") if isinstance(file, Mapping) else file
        rows.append((code(f"final/{name}"), code(digest)))
    return table(["", ""], rows)


def _sessions(facts: Facts) -> str:
    """Where the engine ran, each time it took the run up."""
    starts = [(t.time, t.event) for t in facts.timeline if isinstance(t.event, ev.EngineStarted)]
    if not starts:
        return ""
    rows = [
        (
            str(event.session),
            moment(time),
            plain(event.slots),
            *(plain(event.host.get(name)) for name in ("hostname", "os", "kernel", "cpus_allowed")),
            size(event.host.get("memory_allowed_bytes")),
            plain({name: value for name, value in event.options.items() if value is not None}),
        )
        for time, event in starts
    ]
    header = ["session", "began", "slots", "host", "system", "kernel", "CPUs", "memory", "options"]
    return f"Each time that an engine took the run up:\n\n{table(header, rows, right=[0, 6, 7])}"


def _code(files: Mapping[str, Any]) -> str:
    if not files:
        return "The seal names no code file."
    return table(
        ["file in `code/`", "SHA-256"], [(code(name), code(digest)) for name, digest in files.items()]
    )


def _outside(kept: Mapping[str, Any] | None) -> list[str]:
    """What the task uses beside its copy, where there is such."""
    if not kept:
        return []
    more = kept["count"] - len(kept["files"])
    others = f", {more:,} of which `outside.json` alone names" if more > 0 else ""
    left_out = f" {kept['left_out']:,} more are neither sealed nor watched." if kept["left_out"] else ""
    return [
        f"The task uses {count(kept['count'], 'file')} from outside its folder{others}: sealed by content "
        f"and watched, not copied.{left_out}",
        table(
            ["module or file outside", "SHA-256"],
            [(code(name), code(sha256)) for name, sha256 in kept["files"]],
        ),
    ]


def _flat(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Nested tables row by row: `packages` as one row a package."""
    rows: list[tuple[str, Any]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}: {inner}", item) for inner, item in value.items()]
        else:
            rows.append((name, value))
    return rows


def _facts_table(rows: list[tuple[str, Any]]) -> str:
    return table(["", ""], [(escape(name), plain(value)) for name, value in rows]) if rows else ""
