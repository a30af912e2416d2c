"""run.db: its tables, and how it is opened for writing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from staycourse.record.mounts import network_of

VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
    prev TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS trial (
    id TEXT PRIMARY KEY, phase INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,
    setup TEXT NOT NULL, repetition INTEGER NOT NULL, share REAL NOT NULL, parent TEXT,
    status TEXT NOT NULL, attempts INTEGER NOT NULL, slot TEXT NOT NULL,
    epochs INTEGER NOT NULL, horizon INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 0,
    step INTEGER NOT NULL DEFAULT 0, steps_per_epoch INTEGER NOT NULL DEFAULT 0,
    outcome TEXT, rule TEXT, detail TEXT, best_epoch INTEGER, best_value,
    started TEXT, ended TEXT, seconds REAL,
    checkpoint_step INTEGER, checkpoint_sha256 TEXT, facts TEXT
);
CREATE TABLE IF NOT EXISTS metric (
    trial TEXT NOT NULL, name TEXT NOT NULL, step INTEGER NOT NULL, epoch INTEGER NOT NULL, value,
    PRIMARY KEY (trial, name, step)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS proof (trial TEXT NOT NULL, name TEXT NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (trial, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timing (
    trial TEXT NOT NULL, name TEXT NOT NULL, step INTEGER NOT NULL, epoch INTEGER NOT NULL, value,
    PRIMARY KEY (trial, name, step)
) WITHOUT ROWID;
-- In the order of writing (rowid), which holds when the clock is set back; its newest rows are read often.
CREATE TABLE IF NOT EXISTS hardware (
    time TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL, value REAL
);
"""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The database, created if missing, in WAL mode where that is safe: its index is memory that a reader
    on another host does not share.

    Transactions are begun and ended by hand; another's lock is waited out for a minute.
    """
    connection = sqlite3.connect(path, timeout=60.0, isolation_level=None)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        connection.close()
        raise OSError(f"{path} was written by a later version of staycourse (schema {version})")
    wanted = "WAL" if network_of(path) is None else "DELETE"
    connection.execute(f"PRAGMA journal_mode={wanted}")
    connection.execute("PRAGMA synchronous=FULL")
    create_tables(connection)
    connection.execute(f"PRAGMA user_version={VERSION}")
    return connection


def journal_note(folder: Path) -> str:
    """Why a database in that folder is not in WAL mode while its run goes; empty if it is."""
    mount = network_of(folder)
    if mount is None:
        return ""
    where = f"{mount.kind} at {mount.point}"
    return f"the run lies on a network file system ({where}): run.db keeps a rollback journal, not a WAL"


def create_tables(connection: sqlite3.Connection) -> None:
    """Every table of a run, where it is missing."""
    connection.executescript(_TABLES)
