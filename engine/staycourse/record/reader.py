"""Reading a run that somebody else writes: never a lock held, never a byte written."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from staycourse.core.problems import UserError
from staycourse.record.damage import DamagedRun, is_damage, refuse_torn, telling_damage, wrong_cell

_TRIES = 5


@contextlib.contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection for one poll.

    It is closed between polls: an open connection would keep the writer from leaving WAL mode at the
    run's end. A database that cannot be opened in place (WAL without write permission) is read from a
    temporary copy. Raises sqlite3.Error or OSError if neither works, DamagedRun if the database is not
    whole.
    """
    refuse_torn(database)
    with telling_damage(database), _opened(database) as connection:
        try:
            yield connection
        except (TypeError, ValueError, LookupError) as error:
            where = None if isinstance(error, UserError) else wrong_cell(connection)
            if where is None:
                raise
            raise DamagedRun(f"{database} is damaged: {where}") from None


@contextlib.contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    try:
        connection = _connect(database)
    except sqlite3.OperationalError as error:
        # A copy made while somebody writes without WAL could be torn: that one is for the caller to retry.
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY or is_damage(error) or not database.exists():
            raise
        with tempfile.TemporaryDirectory(prefix="staycourse-") as folder:
            connection = _connect(_copy(database, Path(folder)))
            with contextlib.closing(connection):
                yield connection
        return
    with contextlib.closing(connection):
        yield connection


def _connect(database: Path) -> sqlite3.Connection:
    uri = f"{database.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=5.0, isolation_level=None)
    try:
        connection.execute("SELECT seq FROM ledger LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _copy(database: Path, folder: Path) -> Path:
    """The database and its log. The writer moves pages from the log to the database now and then: a copy
    during which that happened is made again."""
    for _ in range(_TRIES):
        before = database.stat()
        for suffix in ("", "-wal"):
            source = database.with_name(database.name + suffix)
            (folder / source.name).unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(source, folder / source.name)
        after = database.stat()
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            break
    return folder / database.name
