"""What differs between two environments, as `hardware.environment.describe` tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """`{"packages.torch": ["2.12.0", "2.13.0"]}`; None stands for what was or is not there.

    Of GPUs their models count and not their number: a trial has one of its own.
    """
    old, new = _flat(before), _flat(after)
    names = sorted({*old, *new})
    return {name: [old.get(name), new.get(name)] for name in names if old.get(name) != new.get(name)}


def changes_in_words(changes: Mapping[str, Any]) -> str:
    """`packages.torch 2.12.0 → 2.13.0, driver 570.1 → none`."""
    return ", ".join(f"{name} {_word(old)} → {_word(new)}" for name, (old, new) in changes.items())


def _flat(facts: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in facts.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            found |= _flat(value, f"{name}.")
        else:
            found[name] = sorted(set(value)) if name == "gpus" else value
    return found


def _word(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
