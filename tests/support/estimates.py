"""What the search's process might answer a narrow phase, computed without a model: for tests of what the
phases, the record and the views make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycourse.core import space as spaces
from staycourse.core.space import Choice, Interval

CALM = {"share": 0.1, "gain": -0.01, "sd": 0.01}


def estimated(question: Mapping[str, Any]) -> dict[str, Any]:
    """The best quarter of the results, at least three, spans each range; every option is kept."""
    space = spaces.from_json(question["space"])
    done = [trial for trial in question["trials"] if trial["state"] == "done"]
    done.sort(key=lambda trial: trial["value"], reverse=question["goal"] == "max")
    best = done[: max(3, len(done) // 4)]
    model = {
        "scored": len(done),
        "failed": len(question["trials"]) - len(done),
        "draws": 1000,
        "widened": 1.0,
    }
    return {
        "confidence": question["confidence"],
        "noise": 0.01,
        "model": model,
        "ranges": [row for h in space if isinstance(h, Interval) for row in _rows(h, best)],
        "options": [row for h in space if isinstance(h, Choice) for row in _options(h, done)],
    }


def touching(question: Mapping[str, Any], name: str, side: str) -> dict[str, Any]:
    """The same, and most optima lie at a bound."""
    body = estimated(question)
    for row in body["ranges"]:
        if row["name"] == name:
            row["edges"] = {**row["edges"], side: {"share": 0.9, "gain": 0.2, "sd": 0.05}}
    return body


def _rows(h: Interval, best: list[Any]) -> list[dict[str, Any]]:
    rows = []
    for bounds in (None, *h.by):
        here = [t["setup"] for t in best if h.name in t["setup"] and h.bounds_under(t["setup"]) is bounds]
        whole = bounds or h
        found = [float(setup[h.name]) for setup in here] or [whole.low, whole.high]
        under = {"on": bounds.on if bounds else None, "option": bounds.option if bounds else None}
        ends = {"low": min(found), "high": max(found), "edges": {"low": CALM, "high": CALM}}
        rows.append({"name": h.name, **under, **ends})
    return rows


def _options(h: Choice, done: list[Any]) -> list[dict[str, Any]]:
    counts = [sum(trial["setup"].get(h.name) == option for trial in done) for option in h.options]
    return [
        {
            "name": h.name,
            "option": option,
            "against": h.options[0],
            "share": 1.0 / len(h.options),
            "difference": 0.01 * at,
            "sd": 0.02,
            "trials": counts[at],
            "trials_against": counts[0],
            "is_kept": True,
        }
        for at, option in enumerate(h.options)
    ]
