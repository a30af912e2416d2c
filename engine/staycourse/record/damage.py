"""A run's database that is not what was written is told of, in one message, and never worked with."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from staycourse.core.problems import UserError
from staycourse.core.text import one_line

_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
# SQLite has the code of any other mistake for these: a page of zeros, a bit flipped in a text or a name.
_WORDS = ("no such table", "no such column", "could not decode", "malformed", "file format")
_WRONG = {
    "TEXT": "typeof(?) NOT IN ('text', 'null')",
    "INTEGER": "typeof(?) NOT IN ('integer', 'null')",
    "REAL": "typeof(?) NOT IN ('real', 'integer', 'null')",
    "BLOB": "typeof(?) NOT IN ('blob', 'null')",
}
_NO_VALUE = "typeof(?) = 'blob' OR typeof(?) = 'text' AND ? NOT IN ('nan', 'inf', '-inf')"
_JSON = ("facts", "setup")


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
        raise DamagedRun(f"{database} is damaged: {one_line(str(error))}") from None
    except UnicodeDecodeError:  # of SQLite's message, which quotes what it cannot read
        raise DamagedRun(f"{database} is damaged: its schema cannot be read") from None


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the error is the file's fault."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF in _CODES or any(word in str(error).lower() for word in _WORDS)


def wrong_cell(connection: sqlite3.Connection) -> str | None:
    """The first table and column that holds what was never written there: a flipped bit can turn a number
    into a text, or a text into bytes."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            wrong = _WRONG.get(kind, _NO_VALUE).replace("?", f'"{column}"')
            if column in _JSON:
                wrong += f' OR NOT json_valid("{column}")'
            if connection.execute(f'SELECT 1 FROM "{table}" WHERE {wrong} LIMIT 1').fetchone():
                return f"table {table}, column {column}"
    return None


def refuse_damaged_pages(connection: sqlite3.Connection, database: Path) -> None:
    """Look at every page: SQLite itself meets a damaged one only when it comes by. Raises DamagedRun."""
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise DamagedRun(f"{database} is damaged: {one_line(str(answer))}")


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
