"""What a finished run has left that has to be the same each time, and what its ledger notes."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.support.tiny import Place

Result = tuple[list[Any], list[Any], str]


def result(place: Place) -> Result:
    """Every deterministic thing that a run leaves: metric rows, how trials ended, the final weights."""
    trials = place.rows(
        "SELECT id, setup, outcome, rule, best_epoch, best_value, epoch, step FROM trial ORDER BY id"
    )
    return metric_rows(place), trials, weights_hash(place)


def metric_rows(place: Place, run: str = "tiny-1") -> list[tuple[Any, ...]]:
    """(trial, name, step, epoch, value) of every metric, in an order of its own."""
    return place.rows("SELECT trial, name, step, epoch, value FROM metric ORDER BY trial, name, step", run)


def weights_hash(place: Place, run: str = "tiny-1") -> str:
    """SHA-256 of the final weights."""
    return hashlib.sha256((place.runs / run / "final" / "model.safetensors").read_bytes()).hexdigest()


def notes(place: Place, about: str) -> list[str]:
    """What the ledger notes about it, in order."""
    found = place.rows(
        "SELECT json_extract(body, '$.text') FROM ledger "
        f"WHERE kind = 'noted' AND json_extract(body, '$.about') = '{about}' ORDER BY seq"
    )
    return [text for (text,) in found]
