"""Every setting of a run, and whence it came: the roadmap, a default, the command line, an earlier run."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from staycourse.core.roadmap import Roadmap
from staycourse.core.sections import SECTIONS
from staycourse.core.space import describe
from staycourse.core.state import RunState

ROADMAP, DEFAULT, COMMAND_LINE, EARLIER = "roadmap", "default", "command line", "earlier run"
Setting = dict[str, Any]  # {"value": …, "from": …}


def settings(roadmap: Roadmap, text: str, state: RunState) -> dict[str, Setting]:
    """By dotted name (`limits.retries`, `phase[3].epochs`), in the roadmap's order."""
    document = tomllib.loads(text)
    found: dict[str, Setting] = {
        "name": _setting(roadmap.name, ROADMAP),
        "seed": _setting(roadmap.seed, ROADMAP if "seed" in document else DEFAULT),
    }
    for name in SECTIONS:
        found |= dict(_of_section(name, getattr(roadmap, name), document.get(name, {})))
    declared = document.get("space", {})
    for h in roadmap.space:
        words = describe(h).removeprefix(h.name).strip()
        found[f"space.{h.name}"] = _setting(words, ROADMAP if h.name in declared else EARLIER)
    for at, (phase, said) in enumerate(zip(roadmap.phases, document.get("phase", []), strict=False), start=1):
        found |= dict(_of_section(f"phase[{at}]", phase, said))
    found |= dict(_of_command_line(state))
    return found


def _of_section(name: str, section: BaseModel, said: Any) -> Iterator[tuple[str, Setting]]:
    yield from _flat(name, section.model_dump(mode="json", by_alias=True), said)


def _flat(name: str, table: Mapping[str, Any], said: Any) -> Iterator[tuple[str, Setting]]:
    """Tables within tables key by key."""
    for key, value in table.items():
        is_said = isinstance(said, Mapping) and key in said
        if isinstance(value, Mapping) and value:
            yield from _flat(f"{name}.{key}", value, said[key] if is_said else {})
        else:
            yield f"{name}.{key}", _setting(value, ROADMAP if is_said else DEFAULT)


def _of_command_line(state: RunState) -> Iterator[tuple[str, Setting]]:
    options = state.engine.options if state.engine else {}
    for name, value in options.items():
        yield f"--{name}", _setting(value, DEFAULT if value is None else COMMAND_LINE)


def _setting(value: Any, source: str) -> Setting:
    return {"value": value, "from": source}
