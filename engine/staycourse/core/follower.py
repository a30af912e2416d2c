"""A ledger followed as it grows: what a view keeps of it, brought up to date by what is new."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from staycourse.core.condensed import condensed_events
from staycourse.core.events import Event
from staycourse.core.forecast import Forecast
from staycourse.core.narrative import tell
from staycourse.core.roadmap import Roadmap
from staycourse.core.state import RunState, TrialState, TrialStatus, apply
from staycourse.core.tally import Tally
from staycourse.core.trial_views import TrialViews
from staycourse.core.views import (
    NOT_BEGUN,
    LogLine,
    PhaseView,
    TrialProgress,
    TrialView,
    rules_of,
    trial_view,
)

LOG_LINES = 500


class Entry(Protocol):
    """What is read of a ledger's row."""

    @property
    def seq(self) -> int: ...
    @property
    def time(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def hash(self) -> str: ...


class Follower:
    """`state` is the fold of the ledger, its trials' ends condensed (core.condensed); `log` has the newest
    lines; `head` is (seq, hash) of the last entry, (0, `genesis`) at first."""

    def __init__(self, roadmap: Roadmap, genesis: str) -> None:
        self.state = RunState()
        self.roadmap = roadmap
        self.tally = Tally(roadmap)
        self.log: tuple[LogLine, ...] = ()
        self.head = (0, genesis)
        self.first_time: str | None = None
        self.last_time: str | None = None
        self._kinds = [phase.kind for phase in roadmap.phases]
        self._open: dict[str, TrialProgress] = {}  # trials that have begun and not ended
        self._touched: dict[str, None] = {}  # since `take_progress`
        self._table = TrialViews()
        self._unseen: dict[str, None] = {}  # what is not in the table as it is
        self._rules: dict[object, tuple[str, ...]] = {}
        self._phases: tuple[PhaseView, ...] = ()
        self._phases_at: object = None
        self._eta: Forecast | None = None
        self._eta_at: object = None

    def follow(self, blocks: Iterable[Sequence[Entry]], newest: int) -> None:
        """Take in the entries after `head`, block by block; `newest` is the seq of the last of them. What was
        taken in before an entry raises stays."""
        before = self.state.trials
        self.state = replace(self.state, trials=dict(before))
        lines = deque(self.log, LOG_LINES)
        try:
            for block in blocks:
                events = condensed_events([(entry.kind, entry.body) for entry in block])
                if block[-1].seq > newest - LOG_LINES:
                    self._take_in_and_tell(block, events, lines)
                else:
                    self._take_in(events)
                self.first_time = self.first_time or block[0].time
                self.last_time = block[-1].time
                self.head = block[-1].seq, block[-1].hash
        finally:
            self.log = tuple(line for line in lines if line.seq > self.head[0] - LOG_LINES)
            self._account(before)

    @property
    def unread(self) -> list[str]:
        """The trials whose newest row a view has to read: those that run or have just stopped."""
        return [
            trial
            for trial in self._open
            if trial in self._touched or self.state.trials[trial].status is TrialStatus.RUNNING
        ]

    @property
    def running(self) -> list[TrialState]:
        """The trials that run, in the order of planning."""
        trials = [self.state.trials[trial] for trial in self._open]
        running = [trial for trial in trials if trial.status is TrialStatus.RUNNING]
        return sorted(running, key=self.tally.place)

    @property
    def progress(self) -> Mapping[str, TrialProgress]:
        """How far the trials are that have begun and not ended."""
        return self._open

    @property
    def phases(self) -> tuple[PhaseView, ...]:
        """The queue as it stands."""
        if self._phases_at != self.head:
            self._phases_at, self._phases = self.head, self.tally.phases(self.state)
        return self._phases

    @property
    def eta(self) -> Forecast | None:
        """How long the rest may take."""
        epochs = {trial: progress.epoch for trial, progress in self._open.items()}
        if self._eta_at != (self.head, epochs):
            self._eta_at, self._eta = (self.head, epochs), self.tally.remaining(self.state, epochs)
        return self._eta

    @property
    def table(self) -> TrialViews:
        """A view of each trial."""
        if self._unseen:
            self._table = self._table.updated(self._view(trial) for trial in self._unseen)
            self._unseen = {}
        return self._table

    def take_progress(self, rows: Mapping[str, TrialProgress]) -> None:
        """Take in the newest rows of the trials that are `unread`."""
        for trial, row in rows.items():
            if trial in self._open and row != self._open[trial]:
                self._open[trial] = row
                self._unseen[trial] = None
        self._touched = {}

    def _take_in(self, events: Iterable[Event | None]) -> None:
        state = self.state
        for event in events:
            if event is not None:
                state = apply(state, event)
        self.state = state

    def _take_in_and_tell(
        self, block: Sequence[Entry], events: Sequence[Event | None], lines: deque[LogLine]
    ) -> None:
        for entry, event in zip(block, events, strict=True):
            if event is not None:
                lines.append(LogLine(entry.seq, entry.time, tell(event, self.state, self._kinds)))
                self.state = apply(self.state, event)

    def _account(self, before: Mapping[str, TrialState]) -> None:
        """Count what the new events have changed."""
        trials = self.state.trials
        for trial, now in trials.items():
            was = before.get(trial)
            if was is now:
                continue
            self._touched[trial] = self._unseen[trial] = None
            self.tally.change(was, now, trials)
            if now.end is not None:
                self._open.pop(trial, None)
            elif now.status is not TrialStatus.PLANNED:
                self._open.setdefault(trial, NOT_BEGUN)

    def _view(self, trial: str) -> TrialView:
        known = self.state.trials[trial]
        stop = known.plan.stop
        key = known.plan.epochs, str(stop)
        if key not in self._rules:
            rules = rules_of(self.roadmap, known.plan.epochs, known.stop)
            self._rules[key] = tuple(rule.describe() for rule in rules)
        return trial_view(known, self._rules[key], self._open.get(trial, NOT_BEGUN))
