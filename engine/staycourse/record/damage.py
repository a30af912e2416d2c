"""A run's database that is not what was written is told of, in one message, and never worked with."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from staycourse.core.problems import UserError

_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
# SQLite has the code of any other mistake for these two: a page of zeros, a byte flipped in a text.
_WORDS = ("no such table", "could not decode", "malformed")


class DamagedRun(UserError):
    """The run's record does not fit together."""

    exit_code = 4


@contextlib.contextmanager
def telling_damage(database: Path) -> Iterator[None]:
    """Turn what SQLite says of a damaged file into DamagedRun; any other error passes."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        raise DamagedRun(f"{database} is damaged: {error}") from None


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the error is the file's fault."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF in _CODES or any(word in str(error).lower() for word in _WORDS)


def refuse_torn(database: Path) -> None:
    """Raise DamagedRun for a file that ends in the middle of a page.

    SQLite takes zeros for what is missing. A crash can leave such a file only together with the log from
    which SQLite mends it, so with one it is left to SQLite.
    """
    log = database.with_name(f"{database.name}-wal")
    with contextlib.suppress(OSError):
        if log.exists() and log.stat().st_size:
            return
        with database.open("rb") as file:
            header = file.read(100)
        # Bytes 16 and 17 of the header: the page size, 1 standing for 65536.
        page = int.from_bytes(header[16:18], "big")
        size = database.stat().st_size
        is_database = header.startswith(b"SQLite format 3\0") and page
        if size == 0 or (is_database and size % (65536 if page == 1 else page)):
            raise DamagedRun(f"{database} is damaged: it was cut off after {size} bytes")
