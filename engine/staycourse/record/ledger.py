"""The hash chain: each event carries the hash of the one before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

from staycourse.record.damage import DamagedRun

GENESIS = "0" * 64
_SELECT = "SELECT seq, time, kind, body, prev, hash FROM ledger WHERE seq > ? ORDER BY seq"
_BLOCK = 256


class Entry(NamedTuple):
    """One row of the ledger; `body` is canonical JSON."""

    seq: int
    time: str
    kind: str
    body: str
    prev: str
    hash: str


def chained(seq: int, time: str, kind: str, body: str, prev: str) -> Entry:
    """The entry with its hash: SHA-256 over its place, time, kind, body and the hash before."""
    return Entry(seq, time, kind, body, prev, _hash(seq, time, kind, body, prev))


def _hash(seq: int, time: str, kind: str, body: str, prev: str) -> str:
    """Over the canonical JSON of a list of the five, `prev` being a hash; put together here, for a view of a
    long run makes tens of thousands of these before it shows anything."""
    text = f'[{seq},{quoted(time)},{quoted(kind)},{quoted(body)},"{prev}"]'
    return sha256(text.encode()).hexdigest()


def read(connection: sqlite3.Connection, after: int = 0) -> Iterator[Entry]:
    """The entries with a seq above `after`, in order."""
    return map(Entry._make, connection.execute(_SELECT, (after,)))


def last_seq(connection: sqlite3.Connection) -> int:
    """The seq of the newest entry, 0 for an empty ledger."""
    return connection.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()[0]  # type: ignore[no-any-return]


def misfit(entry: Entry, place: int, prev: str) -> str | None:
    """What does not fit about the entry that is to be event `place` and to follow the hash `prev`."""
    if entry.seq != place:
        return f"event {place} is missing (event {entry.seq} follows event {place - 1})"
    if entry.prev != prev:
        return f"event {place} ({entry.kind}) does not follow the event that stands before it"
    try:
        made = _hash(place, entry.time, entry.kind, entry.body, prev)
    except (TypeError, ValueError):
        made = ""  # a flipped byte can turn a text into something else
    if made != entry.hash:
        return f"event {place} ({entry.kind}) was changed: its hash does not fit what it says"
    return None


def checked(connection: sqlite3.Connection, run: str, after: int = 0, prev: str = GENESIS) -> Iterator[Entry]:
    """As `read`, each entry held against the chain; `prev` is the hash of entry `after`.

    Raises DamagedRun, naming the first event that does not fit.
    """
    return chain.from_iterable(checked_blocks(connection, run, after, prev))


def checked_blocks(
    connection: sqlite3.Connection, run: str, after: int = 0, prev: str = GENESIS
) -> Iterator[list[Entry]]:
    """As `checked`, some hundred entries at a time; those before one that does not fit come on their own."""
    rows = connection.execute(_SELECT, (after,))
    while block := [Entry._make(row) for row in rows.fetchmany(_BLOCK)]:
        for at, entry in enumerate(block):
            if why := misfit(entry, after + 1, prev):
                if at:
                    yield block[:at]
                raise DamagedRun(f"{run}: {why}")
            after, prev = entry.seq, entry.hash
        yield block
