"""What a kill has kept an engine from doing once its run was over."""

from __future__ import annotations

import sqlite3

from staycourse.record.lock import NoLocks, RunIsTaken, RunLock, is_held
from staycourse.record.paths import RunPaths
from staycourse.record.reader import reading
from staycourse.record.store import Store

_WAL = b"\x02\x02"  # bytes 18 and 19 of a database's header while it is in WAL mode


def settle(paths: RunPaths) -> None:
    """Write the head of a run that is over as its chain ends, and take its database out of WAL mode, so that
    a colleague without write permission can open it.

    Does nothing where there is nothing to do, where an engine is about to do it, and where the folder cannot
    be written: it is no less readable than before. Raises DamagedRun if the record is not whole.
    """
    if is_held(paths.lock) or not _is_unsettled(paths):
        return
    lock = RunLock(paths.lock)
    try:
        lock.acquire()
    except (OSError, RunIsTaken, NoLocks):
        return
    try:
        store = Store(paths)
        store.write_head()
        store.close(final=True)
    except (OSError, sqlite3.OperationalError):
        return
    finally:
        lock.release()


def _is_unsettled(paths: RunPaths) -> bool:
    if paths.database.with_name(f"{paths.database.name}-wal").exists():
        return True
    with paths.database.open("rb") as file:
        return file.read(20)[18:] == _WAL or _is_head_behind(paths)


def _is_head_behind(paths: RunPaths) -> bool:
    """Without a WAL, as on a network file system, only the chain tells."""
    with reading(paths.database) as db:
        last = db.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    try:
        return paths.head.read_text(encoding="utf-8").split() != [str(last[0]), last[1]]
    except (OSError, UnicodeDecodeError):
        return True
