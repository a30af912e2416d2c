"""The one writer of a run's database."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from staycourse.core import events as ev
from staycourse.core.canonical import canonical_json, plain
from staycourse.core.events import Event
from staycourse.core.metric_names import resolve
from staycourse.core.state import RunState, fold, replay
from staycourse.record import clock, ledger, proof, schema
from staycourse.record.damage import DamagedRun, refuse_damaged_pages, refuse_torn, telling_damage
from staycourse.record.files import write_atomically
from staycourse.record.ledger import GENESIS, Entry
from staycourse.record.paths import RunPaths
from staycourse.record.trial_table import write_trial

Row = Sequence[Any]
_METRIC = "INSERT OR IGNORE INTO metric (trial, name, step, epoch, value) VALUES (?, ?, ?, ?, ?)"
_PROOF = "INSERT OR REPLACE INTO proof (trial, name, hashes) VALUES (?, ?, ?)"
_TIMING = "INSERT OR REPLACE INTO timing (trial, name, step, epoch, value) VALUES (?, ?, ?, ?, ?)"
_HARDWARE = "INSERT INTO hardware (time, device, name, value) VALUES (?, ?, ?, ?)"
_THIN = """DELETE FROM hardware WHERE time < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 hour')
           AND CAST(substr(time, 18, 2) AS INTEGER) % 10 != 0"""


class Store:
    """Appends to the ledger, durably and at once; writes everything else in batches.

    `state` is the fold of the ledger. A metric row that stands is never replaced: a row computed again
    after a crash is compared with it, and `replayed` counts (equal, differing) for each trial.
    """

    def __init__(self, paths: RunPaths) -> None:
        """Open the run's database, a new one if there is none. Raises DamagedRun if it is not whole."""
        self.paths = paths
        refuse_torn(paths.database)
        with telling_damage(paths.database):
            self._db = schema.open_for_writing(paths.database)
            refuse_damaged_pages(self._db, paths.database)
            entries = list(ledger.checked(self._db, paths.name))
        self.is_head_lost = not _check_head(paths, entries)
        self._last = entries[-1] if entries else Entry(0, "", "", "", "", GENESIS)
        events = (ev.from_body(entry.kind, json.loads(entry.body)) for entry in entries)
        self.state: RunState = replay(event for event in events if event is not None)
        self.replayed: dict[str, tuple[int, int]] = {}
        self._hashes: dict[str, dict[proof.Key, bytes]] = {}  # of rows met in this session
        self._pending: list[tuple[str, Row]] = []
        self._is_head_behind = False
        # Every transaction goes through this, to be done again if the disk has no room for it.
        self.patiently: Callable[[Callable[[], object]], object] = lambda action: action()

    @property
    def head(self) -> tuple[int, str]:
        """(seq, hash) of the last event."""
        return self._last.seq, self._last.hash

    def append(self, *events: Event) -> None:
        """Record events, and all that is pending, in one durable transaction; then move the head."""
        assert not self.state.status.is_over, "nothing follows the end of a run"
        state, last, entries = self.state, self._last, []
        for event in events:
            body = canonical_json(ev.to_body(event))
            last = ledger.chained(last.seq + 1, clock.now(), event.KIND, body, last.hash)
            entries.append(last)
            state = fold(state, event)
        self.patiently(lambda: self._commit(state, events, entries))
        self._pending.clear()
        for event in events:
            if isinstance(event, ev.TrialEnded):
                self._hashes.pop(event.trial, None)
        self.state, self._last = state, last
        self._write_head()

    def add_metrics(self, trial: str, rows: Sequence[Row]) -> None:
        """Rows of (name, step, epoch, value)."""
        self._pending += [("metric", (trial, *plain(row))) for row in rows]

    def add_timing(self, trial: str, rows: Sequence[Row]) -> None:
        """Rows of (name, step, epoch, value)."""
        self._pending += [(_TIMING, (trial, *plain(row))) for row in rows]

    def add_hardware(self, rows: Sequence[tuple[str, str, float]]) -> None:
        """Rows of (device, name, value), as of now."""
        now = clock.now()
        self._pending += [(_HARDWARE, (now, *row)) for row in rows]

    def add_progress(self, trial: str, *, step: int, epoch: int, steps_per_epoch: int) -> None:
        """Where a running trial is."""
        sql = "UPDATE trial SET step = ?, epoch = ?, steps_per_epoch = ? WHERE id = ?"
        self._pending.append((sql, (step, epoch, steps_per_epoch, trial)))

    def add_checkpoint(self, trial: str, step: int, sha256: str) -> None:
        """The newest checkpoint of a trial."""
        sql = "UPDATE trial SET checkpoint_step = ?, checkpoint_sha256 = ? WHERE id = ?"
        self._pending.append((sql, (step, sha256, trial)))

    def add_facts(self, trial: str, facts: dict[str, Any]) -> None:
        """What a worker said of its trial as it began: samples, loader workers, device."""
        self._pending.append(("UPDATE trial SET facts = ? WHERE id = ?", (canonical_json(facts), trial)))

    def flush(self) -> None:
        """Write what is pending, not durably."""
        if self._pending:
            self.patiently(self._write_batch)
            self._pending.clear()
        if self._is_head_behind:
            self._write_head()

    def prove_metrics(self, trial: str) -> str:
        """The digest for the trial's last event; its proof is written with that event (see record.proof).

        It covers the rows as they were first written: one that somebody has changed since will not fit.
        """
        self.flush()
        rows = self._db.execute("SELECT name, step, epoch, value FROM metric WHERE trial = ?", (trial,))
        standing = {(row[0], row[1]): proof.row_hash(*row) for row in rows}
        joined = proof.joined(standing | self._hashes.get(trial, {}))
        self._pending += [(_PROOF, (trial, name, hashes)) for name, hashes in joined.items()]
        return proof.digest(joined)

    def count_unlike(self, trial: str, metric: str, curve: Iterable[Sequence[Any]]) -> int:
        """How many (epoch, value) of a trial's curve are not what the rows of the metric say of that epoch:
        they were computed again, in this session or another, and came out otherwise. After a flush."""
        names = [
            name for (name,) in self._db.execute("SELECT DISTINCT name FROM metric WHERE trial = ?", (trial,))
        ]
        sql = "SELECT epoch, value FROM metric WHERE trial = ? AND name = ?"
        stands = dict(self._db.execute(sql, (trial, resolve(metric, names))))
        return sum(epoch in stands and stands[epoch] != plain(value) for epoch, value in curve)

    def last_sign_of_life(self) -> str | None:
        """The later of the last event's and the last sample's time."""
        rows = self._db.execute("SELECT time FROM hardware ORDER BY rowid DESC LIMIT 1").fetchall()
        return max((t for t in (*(time for (time,) in rows), self._last.time) if t), default=None)

    def thin_hardware(self) -> None:
        """Keep one sample in ten seconds of what is older than an hour."""
        self.patiently(lambda: self._db.execute(_THIN))

    def close(self, *, final: bool) -> None:
        """Close; `final` leaves the database in DELETE mode, readable without write permission."""
        self.flush()
        if final:
            self._leave_wal()
        self._db.close()

    def _leave_wal(self) -> None:
        # A reader between two of its polls holds nothing; one in mid-poll is waited out.
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(sqlite3.OperationalError):
                if self._db.execute("PRAGMA journal_mode=DELETE").fetchone()[0] == "delete":
                    return
            time.sleep(0.05)

    def write_head(self) -> None:
        """Write the end of the chain into the file `head`. Raises OSError."""
        write_atomically(self.paths.head, f"{self._last.seq} {self._last.hash}\n")

    def _write_head(self) -> None:
        """A full disk leaves the head behind the chain, which is no lie; the next flush tries again."""
        try:
            self.write_head()
            self._is_head_behind = False
        except OSError:
            self._is_head_behind = True

    def _commit(self, state: RunState, events: Sequence[Event], entries: Sequence[Entry]) -> None:
        with self._transaction(durable=True):
            self._write_pending()
            self._db.executemany(
                "INSERT INTO ledger (seq, time, kind, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?)",
                [(e.seq, e.time, e.kind, e.body, e.prev, e.hash) for e in entries],
            )
            for event, entry in zip(events, entries, strict=True):
                write_trial(self._db, state, event, entry.time)

    def _write_batch(self) -> None:
        with self._transaction(durable=False):
            self._write_pending()

    def _write_pending(self) -> None:
        for kind, row in self._pending:
            if kind != "metric":
                self._db.execute(kind, row)
                continue
            standing = row[3:]
            if self._db.execute(_METRIC, row).rowcount == 0:
                standing = self._compare(row)
            self._hashes.setdefault(row[0], {}).setdefault(
                (row[1], row[2]), proof.row_hash(row[1], row[2], *standing)
            )

    def _compare(self, row: Row) -> Row:
        """Count whether the row equals the one that stands; returns that one's (epoch, value)."""
        trial, name, step, epoch, value = row
        stands = self._db.execute(
            "SELECT epoch, value FROM metric WHERE trial = ? AND name = ? AND step = ?", (trial, name, step)
        ).fetchone()
        equal, differing = self.replayed.get(trial, (0, 0))
        is_equal = stands == (epoch, value)
        self.replayed[trial] = (equal + is_equal, differing + (not is_equal))
        return stands  # type: ignore[no-any-return]

    @contextlib.contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[None]:
        self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        replayed = dict(self.replayed)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self.replayed = replayed
            with contextlib.suppress(sqlite3.OperationalError):
                self._db.execute("ROLLBACK")
            raise


def _check_head(paths: RunPaths, entries: Sequence[Entry]) -> bool:
    """The chain may be longer than its head, by a crash, and never shorter. False for a head that is gone or
    cannot be read, after a power cut say: then nobody can tell whether the chain was longer."""
    try:
        words = paths.head.read_text(encoding="utf-8").split()
        seq, value = int(words[0]), words[1]
    except (OSError, ValueError, IndexError):
        return len(entries) <= 1  # a run that is being sealed has no head yet
    if seq > len(entries):
        raise DamagedRun(f"{paths.name}: event {len(entries) + 1} is missing: the head names event {seq}")
    if seq < 1 or entries[seq - 1].hash != value:
        raise DamagedRun(f"{paths.name}: event {seq} is another than the one that the head names")
    return True
