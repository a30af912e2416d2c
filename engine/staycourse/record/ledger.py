"""The hash chain: each event carries the hash of the one before."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from staycourse.core.canonical import canonical_json

GENESIS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One row of the ledger; `body` is canonical JSON."""

    seq: int
    time: str
    kind: str
    body: str
    prev: str
    hash: str


def chained(seq: int, time: str, kind: str, body: str, prev: str) -> Entry:
    """The entry with its hash: SHA-256 over its place, time, kind, body and the hash before."""
    text = canonical_json([seq, time, kind, body, prev])
    return Entry(seq, time, kind, body, prev, hashlib.sha256(text.encode()).hexdigest())


def read(connection: sqlite3.Connection, after: int = 0) -> Iterator[Entry]:
    """The entries with a seq above `after`, in order."""
    rows = connection.execute(
        "SELECT seq, time, kind, body, prev, hash FROM ledger WHERE seq > ? ORDER BY seq", (after,)
    )
    return (Entry(*row) for row in rows)
