"""A trial's metric rows under one digest, from which the first row that was changed can still be named.

Each row has a hash of 16 bytes. Those of a metric, joined in the order of its steps, stand in the table
`proof`; the digest over all of a trial's joined hashes stands in the trial's last event. A changed row
differs from its hash, a changed hash from the digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from staycourse.core.canonical import canonical_json

SIZE = 16
Key = tuple[str, int]  # a metric's name and the step


def row_hash(name: str, step: int, epoch: int, value: Any) -> bytes:
    """The first 16 bytes of SHA-256 over the row's canonical JSON; `value` as the table holds it."""
    return hashlib.sha256(canonical_json([name, step, epoch, value]).encode()).digest()[:SIZE]


def joined(hashes: Mapping[Key, bytes]) -> dict[str, bytes]:
    """For each metric, in the order of names, the hashes of its rows in the order of steps."""
    found: dict[str, list[bytes]] = {}
    for (name, _), value in sorted(hashes.items()):
        found.setdefault(name, []).append(value)
    return {name: b"".join(parts) for name, parts in found.items()}


def digest(proof: Mapping[str, bytes]) -> str:
    """SHA-256, 64 hex digits, over the joined hashes of every metric."""
    return hashlib.sha256(canonical_json([[k, proof[k].hex()] for k in sorted(proof)]).encode()).hexdigest()


def first_difference(name: str, rows: Iterable[tuple[int, int, Any]], hashes: bytes) -> str | None:
    """Where the (step, epoch, value) rows of a metric first differ from its joined hashes, in words."""
    expected = [hashes[at : at + SIZE] for at in range(0, len(hashes), SIZE)]
    rows = list(rows)
    found = [row_hash(name, *row) for row in rows]
    at = next((at for at, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), None)
    if at is None:
        at = min(len(found), len(expected))
    if at == len(found) == len(expected):
        return None
    after = f"after step {rows[at - 1][0]}" if at else "before the first that stands"
    if found[at : at + 1] and found[at] in expected:
        return f"a row of {name} {after} is missing"
    if at < len(found) and at < len(expected) and expected[at] in found:
        return f"the row of {name} at step {rows[at][0]} was put in"
    if at >= len(expected):
        return f"the row of {name} at step {rows[at][0]} was put in"
    if at >= len(found):
        return f"a row of {name} {after} is missing"
    step, epoch, value = rows[at]
    return f"the row of {name} at step {step} (epoch {epoch}, now {value}) was changed"
