"""The hash chain: each event carries the hash of the one before."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from staycourse.core.canonical import canonical_json
from staycourse.record.damage import DamagedRun

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


def misfit(entry: Entry, place: int, prev: str) -> str | None:
    """What does not fit about the entry that is to be event `place` and to follow the hash `prev`."""
    if entry.seq != place:
        return f"event {place} is missing (event {entry.seq} follows event {place - 1})"
    if entry.prev != prev:
        return f"event {place} ({entry.kind}) does not follow the event that stands before it"
    try:
        made = chained(place, entry.time, entry.kind, entry.body, prev).hash
    except (TypeError, ValueError):
        made = ""  # a flipped byte can turn a text into something else
    if made != entry.hash:
        return f"event {place} ({entry.kind}) was changed: its hash does not fit what it says"
    return None


def checked(connection: sqlite3.Connection, run: str, after: int = 0, prev: str = GENESIS) -> Iterator[Entry]:
    """As `read`, each entry held against the chain; `prev` is the hash of entry `after`.

    Raises DamagedRun, naming the first event that does not fit.
    """
    for place, entry in enumerate(read(connection, after), start=after + 1):
        if why := misfit(entry, place, prev):
            raise DamagedRun(f"{run}: {why}")
        prev = entry.hash
        yield entry
