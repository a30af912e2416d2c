"""How a run stands, in brief: what lists of runs show of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from staycourse.core.follower import Follower
from staycourse.core.forecast import Forecast
from staycourse.core.problems import UserError
from staycourse.core.space import Value
from staycourse.core.state import RunStatus
from staycourse.core.views import PhaseView, current_phase
from staycourse.record import clock, ledger, rows
from staycourse.record.damage import DamagedRun
from staycourse.record.lock import is_held
from staycourse.record.paths import RunPaths
from staycourse.record.reader import reading
from staycourse.record.sealed_roadmap import followed_roadmap

DAMAGED, UNREADABLE, UNREAD = "damaged", "unreadable", "unread"


@dataclass(frozen=True)
class RunSummary:
    """A run in a list. `status` is a RunStatus, or "damaged", "unreadable" or "unread" (not read so far),
    with `problem` saying what is wrong; `roadmap` is that one's name. `sealed` and `last` are the times of
    the first and the last event. `unanswered` is for how many seconds the run's file system has not answered,
    0 where it does; all else is then as it was known last."""

    folder: Path
    status: str = UNREAD
    problem: str = ""
    roadmap: str = ""
    metric: str = ""
    is_engine_alive: bool = False
    reason: str = ""
    phases: tuple[PhaseView, ...] = ()
    sealed: datetime | None = None
    last: datetime | None = None
    eta: Forecast | None = None
    winner: Mapping[str, Value] | None = None
    unanswered: float = 0.0

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_readable(self) -> bool:
        """Whether the run can be opened."""
        return self.status in tuple(RunStatus) and not self.unanswered

    @property
    def phase(self) -> PhaseView | None:
        """The phase that is running, else the last one that is done."""
        return current_phase(self.phases)

    @property
    def ended(self) -> int:
        return sum(phase.ended for phase in self.phases)

    @property
    def trials(self) -> int:
        """How many trials the run has at most."""
        return sum(phase.trials for phase in self.phases)

    @property
    def best(self) -> float | None:
        """That of the last phase that has one: phases differ in their data."""
        found = [phase.best for phase in self.phases if phase.best is not None]
        return found[-1] if found else None

    def elapsed(self, now: datetime) -> float:
        """Seconds from the seal to now, or to the last event where no engine lives; idle time included."""
        if self.sealed is None or self.last is None:
            return 0.0
        until = now if self.is_engine_alive else self.last
        return max(0.0, (until - self.sealed).total_seconds())


class SummaryReader:
    """Reads the summary of one run, and of a run with a living engine only what is new since the read
    before."""

    def __init__(self, folder: Path) -> None:
        self.paths = RunPaths(folder)
        self._forget()

    def read(self) -> RunSummary:
        """The run now. One that is damaged or cannot be read has a summary that says so."""
        try:
            summary = self._read()
        except DamagedRun as error:
            return self._refused(DAMAGED, error)
        except (sqlite3.Error, OSError, UserError) as error:
            return self._refused(UNREADABLE, error)
        if not summary.is_engine_alive:
            self._forget()  # of hundreds of runs, few go on
        return summary

    def _forget(self) -> None:
        self._follower: Follower | None = None

    def _refused(self, status: str, error: Exception) -> RunSummary:
        self._forget()
        return RunSummary(self.paths.root, status, str(error) or type(error).__name__)

    def _read(self) -> RunSummary:
        is_alive = is_held(self.paths.lock)  # before the ledger, whose last event may be the engine's end
        with reading(self.paths.database) as db:
            if self._follower is None:
                self._follower = Follower(followed_roadmap(self.paths, db), ledger.GENESIS)
            follower = self._follower
            newest = ledger.last_seq(db)
            follower.follow(ledger.checked_blocks(db, self.paths.name, *follower.head), newest)
            follower.take_progress(rows.progress(db, follower.unread))
        return self._summary(follower, is_alive)

    def _summary(self, follower: Follower, is_alive: bool) -> RunSummary:
        state, roadmap = follower.state, follower.roadmap
        is_left = state.status is RunStatus.RUNNING and not is_alive
        winner = state.winner
        order = [*roadmap.space.names, *(winner or ())]
        return RunSummary(
            folder=self.paths.root,
            status=str(RunStatus.SUSPENDED if is_left else state.status),
            roadmap=roadmap.name,
            metric=roadmap.objective.metric,
            is_engine_alive=is_alive,
            reason=state.reason,
            phases=follower.phases,
            sealed=_moment(follower.first_time),
            last=_moment(follower.last_time),
            eta=follower.eta if is_alive else None,
            winner={name: winner[name] for name in order if name in winner} if winner else None,
        )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = clock.from_text(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
