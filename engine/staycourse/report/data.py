"""What the run was trained on: sizes of each split, the fingerprint, and how it was watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycourse.report.data_seal import covers, watched
from staycourse.report.facts import Facts
from staycourse.report.markdown import NOTHING, code, plain, table

_SIZES = {
    "samples": "samples",
    "train_samples": "to train on",
    "train": "to train on",
    "validation_samples": "held out for validation",
    "validation": "held out for validation",
}


def data_section(facts: Facts) -> str:
    """Sizes as sealed, the fingerprint with its method, and what each phase saw of it."""
    sealed = facts.sealed.facts
    rows = [(words, plain(sealed[key])) for key, words in _SIZES.items() if isinstance(sealed.get(key), int)]
    rows += _ways(sealed)
    rows += _fingerprint(sealed.get("fingerprint"))
    rows += [("watched since", words)] if (words := watched(sealed)) else []
    if sample := sealed.get("sample"):
        rows.append(("one sample", code(sample) if isinstance(sample, str) else plain(sample)))
    parts = [
        "## Data",
        table(["", ""], rows) if rows else _nothing(facts),
        _by_phase(facts),
    ]
    return "\n\n".join(filter(None, parts))


def _nothing(facts: Facts) -> str:
    if facts.roadmap.task.command is not None:
        return "The script reads its data itself; the seal does not cover it."
    return "The seal holds no facts about the data."


def _ways(sealed: Mapping[str, Any]) -> list[tuple[str, str]]:
    ways = {"grouped": "by group", "split_given": "as the task gives it"}
    found = [words for key, words in ways.items() if sealed.get(key) is True]
    rows = [("split", ", ".join(found))] if found else []
    # The split draws samples whatever their labels; only a share of the data takes as much of each.
    return [*rows, ("a share of it", "equal shares of each label")] if sealed.get("stratified") else rows


def _fingerprint(fingerprint: object) -> list[tuple[str, str]]:
    if isinstance(fingerprint, str):
        return [("fingerprint (SHA-256)", code(fingerprint))]
    if not isinstance(fingerprint, Mapping):
        return []
    rows = []
    if digest := fingerprint.get("sha256"):
        rows.append(("fingerprint (SHA-256)", code(digest)))
    words = covers(fingerprint)
    return [*rows, ("it covers", words)] if words else rows


def _by_phase(facts: Facts) -> str:
    """As the workers said when they began; phases may take a share of the data, or all of it unsplit."""
    rows = []
    for phase, declared in enumerate(facts.roadmap.phases):
        said = [facts.said[t.id] for t in facts.state.trials_of(phase) if t.id in facts.said]
        if said and facts.roadmap.task.command is None:
            names = (
                "train_samples",
                "validation_samples",
                "parameters",
                "data_path",
                "loader_workers",
                "device_name",
            )
            rows.append([f"{phase + 1} {declared.kind}", *(_seen(said, name) for name in names)])
            if rows[-1][1] == "0":
                rows[-1][1] = "a stream"
    header = ["phase", "train samples", "validation samples", "parameters", "data path", "loader workers"]
    return table([*header, "device"], rows, right=[1, 2, 3, 5]) if rows else ""


def _seen(said: list[Mapping[str, Any]], name: str) -> str:
    values = {fact[name] for fact in said if isinstance(fact.get(name), int | str)}
    if not values:
        return NOTHING
    if len(values) > 2 and all(isinstance(value, int) for value in values):
        return f"{min(values):,} to {max(values):,}"
    return ", ".join(plain(value) for value in sorted(values, key=str))
