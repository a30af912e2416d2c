"""Runs side by side: the settings that differ, and beside them the results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycourse.core.environment import differences
from staycourse.core.space import describe_setup
from staycourse.core.text import one_line
from staycourse.report.exports.run_data import RunData
from staycourse.report.exports.settings import DEFAULT
from staycourse.report.markdown import duration

# What a run is called and where it lies makes no difference to it.
_NO_DIFFERENCE = ("name",)
NOTHING = "–"
_MOST_TOLD = 12


@dataclass(frozen=True)
class Comparison:
    """A line each: what it is, and what it is in each of the runs. Empty where they do not differ."""

    settings: list[tuple[str, ...]]
    surroundings: list[tuple[str, ...]]
    results: list[tuple[str, ...]]


def compare(runs: Sequence[RunData]) -> Comparison:
    """Two runs or more. Of settings and surroundings only what differs is told."""
    told = [run.metadata for run in runs]
    return Comparison(
        settings=list(_differing([_settings(body) for body in told])),
        surroundings=list(_surroundings(told)),
        results=list(_results(runs)),
    )


def _settings(body: Mapping[str, Any]) -> dict[str, str]:
    """Each setting in words; one that nobody has said is marked as a default."""
    return {
        name: f"{_words(each['value'])}{' (default)' if each['from'] == DEFAULT else ''}"
        for name, each in body["settings"].items()
        if name not in _NO_DIFFERENCE
    }


def _differing(columns: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, ...]]:
    """By name, in the order of the first that has it."""
    for name in dict.fromkeys(name for column in columns for name in column):
        values = tuple(column.get(name, NOTHING) for column in columns)
        if len({value.removesuffix(" (default)") for value in values}) > 1:
            yield (name, *values)


def _surroundings(told: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Code, data and environment, by what differs from the first run's."""
    for part in ("code", "data"):
        hashes = tuple(str(body["parts"].get(part, ""))[:8] or NOTHING for body in told)
        if len(set(hashes)) > 1:
            yield (part, *hashes)
    changed: dict[str, list[Any]] = {}
    for at, body in enumerate(told[1:], start=1):
        for name, (first, other) in differences(told[0]["environment"], body["environment"]).items():
            changed.setdefault(name, [first] * len(told))[at] = other
    for name in list(changed)[:_MOST_TOLD]:
        yield (name, *map(_words, changed[name]))
    if len(changed) > _MOST_TOLD:
        yield (f"and {len(changed) - _MOST_TOLD} more", *([""] * len(told)))


def _results(runs: Sequence[RunData]) -> Iterator[tuple[str, ...]]:
    told = [run.metadata for run in runs]
    yield ("status", *(str(body["status"]) for body in told))
    yield ("winner", *(describe_setup(body["winner"]) if body["winner"] else NOTHING for body in told))
    phases = [run.best_by_phase() for run in runs]
    for phase in dict.fromkeys(phase for found in phases for phase in found):
        yield (f"best of {phase}", *(_number(found.get(phase)) for found in phases))
    yield ("trials ended", *(str(sum(t.row["ended"] is not None for t in run.trials)) for run in runs))
    yield ("epochs trained", *(str(sum(t.row["epoch"] for t in run.trials)) for run in runs))
    yield ("time of training", *(duration(body["seconds"]) for body in told))
    if any(body["energy_j"] is not None for body in told):
        yield ("energy", *(_energy(body["energy_j"]) for body in told))


def _energy(joules: float | None) -> str:
    return NOTHING if joules is None else f"{joules / 3.6e6:.3g} kWh"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.6g}"


def _words(value: Any) -> str:
    if value is None:
        return NOTHING
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 200)
