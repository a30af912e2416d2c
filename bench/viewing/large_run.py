"""A run folder of any size, for bench/view.py: real events in a chain that holds, rows made by SQLite.

The run stands in the middle of its grid: the last trial trains, nobody holds the lock. Curves are computed.
"""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from staycourse.core import events as ev
from staycourse.core import handoff as handoffs
from staycourse.core import space as spaces
from staycourse.core.canonical import canonical_json
from staycourse.core.handoff import Handoff
from staycourse.core.phases.base import Before, Need
from staycourse.core.roadmap import Roadmap, parse
from staycourse.core.space import Choice, Fixed, Interval, Value
from staycourse.core.state import RunState, replay
from staycourse.record import clock, ledger, schema
from staycourse.record.ledger import Entry
from staycourse.record.paths import RunPaths
from staycourse.record.trial_table import write_trial

_ROADMAP = """\
name = "large"
seed = 7

[task]
file = "tasks/digits.py"

[space]
lr         = {{ log = [1e-5, 1e-1] }}
batch_size = {{ log = [8, 256], integer = true }}
dropout    = {{ range = [0.0, 0.5] }}
optimizer  = {{ choice = ["adamw", "sgd", "adam"] }}
weight_decay = 0.01

[[phase]]
kind = "probe"
trials = {probe}
epochs = {epochs}
stop = {{ patience = 15 }}

[[phase]]
kind = "narrow"
trials = {narrow}
at_boundary = "warn"
data = 0.5
epochs = {epochs}

[[phase]]
kind = "grid"
points = {{ lr = {grid} }}
data = 0.5
epochs = {epochs}
stop = {{ patience = 5, min_delta = 1e-4 }}
keep = 3

[[phase]]
kind = "confirm"
seeds = 3
epochs = {epochs}

[[phase]]
kind = "final"
"""
# What a trial of a second an epoch would leave: (metric, rows an epoch).
METRICS = (("train_loss_step", 18), ("train_loss", 1), ("val_loss", 1))
_TIMINGS = (("samples_per_s", 2914.0), ("step_ms", 50.0), ("wait_ms", 1.5), ("wait_share", 0.03))
STEPS = 18  # an epoch
_SECONDS = 1.0  # an epoch


@dataclass
class _Writer:
    """The ledger of the run as it grows, in memory; times pass as they would."""

    time: datetime
    entries: list[Entry] = field(default_factory=list)
    events: list[ev.Event] = field(default_factory=list)

    def append(self, *events: ev.Event) -> None:
        for event in events:
            prev = self.entries[-1].hash if self.entries else ledger.GENESIS
            body = canonical_json(ev.to_body(event))
            when = clock.to_text(self.time)
            self.entries.append(ledger.chained(len(self.entries) + 1, when, event.KIND, body, prev))
            self.events.append(event)


def write_large_run(folder: Path, trials: int, rows: int, running: int | None = None) -> Path:
    """A run of so many trials with some `rows` metric rows in all; needs about 60 bytes a row.

    Trial number `running` trains, the last one unless it is given; those behind it are still to come.
    """
    epochs = max(2, rows // trials // sum(count for _, count in METRICS))
    roadmap = _roadmap(trials, epochs)
    folder.mkdir(parents=True)
    paths = RunPaths(folder)
    paths.roadmap.write_text(_text(trials, epochs), encoding="utf-8")
    paths.lock.touch()
    paths.trials.mkdir()
    writer = _Writer(datetime.now(UTC) - timedelta(seconds=trials * epochs * _SECONDS))
    _write_events(writer, roadmap, running or trials, epochs)
    db = schema.open_for_writing(paths.database)
    _write_tables(db, writer, epochs)
    db.close()
    last = writer.entries[-1]
    paths.head.write_text(f"{last.seq} {last.hash}\n", encoding="utf-8")
    return folder


def _text(trials: int, epochs: int) -> str:
    probe, narrow = max(2, trials // 5), max(2, 2 * trials // 5)
    return _ROADMAP.format(
        probe=probe, narrow=narrow, grid=max(2, trials - probe - narrow + 1), epochs=epochs
    )


def _roadmap(trials: int, epochs: int) -> Roadmap:
    return parse(_text(trials, epochs))


def _write_events(writer: _Writer, roadmap: Roadmap, running: int, epochs: int) -> None:
    parts = {"roadmap": "a" * 64, "code": "b" * 64, "data": "c" * 64, "environment": "d" * 64}
    writer.append(
        ev.RunSealed("3f9a61c2" + "0" * 56, parts, "large.toml", ".", {}, {}, {}, "staycourse run", "0"),
        ev.EngineStarted(1, 4711, 1.0, {"hostname": "bench"}, {}, ["cpu0"]),
    )
    handoff, number = roadmap.first_handoff, 0
    for index, phase in enumerate(roadmap.phases):
        writer.append(ev.PhaseOpened(index))
        began = len(writer.events)
        before, share = Before(roadmap.objective.goal, handoff), roadmap.plan()[index].share
        for at, need in enumerate(_needs(roadmap, index, handoff), start=1):
            number += 1
            need = need or Need(f"proposal-{at}", epochs, epochs, proposal=at, share=share)
            _write_trial(writer, index, need, handoff, f"t{number}", is_last=number == running)
            if number == running:
                return
        found = [trial.trial() for trial in replay(writer.events[began:]).trials.values()]
        decision = phase.decide(before, found)
        if decision.question is not None:
            estimate = _estimate(decision.question)
            writer.append(ev.RegionEstimated(index, estimate))
            decision = phase.decide(replace(before, estimates=(estimate,)), found)
        assert decision.handoff is not None
        handoff = decision.handoff
        writer.append(ev.PhaseClosed(index, handoffs.to_json(handoff)))


def _estimate(question: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as the search's process gives one, the middle half of every range."""
    edges = dict.fromkeys(("low", "high"), {"share": 0.1, "gain": 0.0, "sd": 1.0})
    ranges = [
        {
            "name": h.name,
            "on": None,
            "option": None,
            "low": float(h.from_unit(0.25)),
            "high": float(h.from_unit(0.75)),
            "edges": edges,
        }
        for h in spaces.from_json(question["space"])
        if isinstance(h, Interval)
    ]
    common = {"confidence": question["confidence"], "noise": 0.01, "model": {}}
    return {**common, "ranges": ranges, "options": []}


def _needs(roadmap: Roadmap, index: int, handoff: Handoff) -> Iterator[Need | None]:
    """The needs of a phase that makes its set-ups itself, None for each proposal of a search."""
    phase = roadmap.phases[index]
    if phase.search() is not None:
        yield from [None] * roadmap.plan()[index].trials
    else:
        yield from phase.decide(Before(roadmap.objective.goal, handoff), []).needs


def _write_trial(
    writer: _Writer, phase: int, need: Need, handoff: Handoff, trial: str, *, is_last: bool
) -> None:
    rng = random.Random(trial)
    setup = dict(need.setup) if need.setup is not None else _setup(handoff, rng)
    stop = vars(need.stop) if need.stop else None
    writer.append(
        ev.TrialPlanned(
            trial, phase, need.key, setup, need.epochs, need.horizon, need.repetition, need.share,
            need.split, stop, need.parent, need.proposal,
        ),
        ev.TrialStarted(trial, 1, "cpu0", 4712, 1.0),
    )  # fmt: skip
    if is_last:
        return
    writer.time += timedelta(seconds=need.epochs * _SECONDS)
    curve = _curve(setup, need.epochs, rng)
    epoch, value = min(curve, key=lambda point: point[1])
    files = {name: [rng.randbytes(32).hex(), 2_600_000] for name in ("last.pt", "best.pt")}
    writer.append(
        ev.TrialEnded(
            trial, "completed", "epochs", f"all {need.epochs} epochs done", need.epochs, STEPS * need.epochs,
            curve, need.epochs * _SECONDS, epoch, value, rng.randbytes(32).hex(), files,
        )
    )  # fmt: skip


def _setup(handoff: Handoff, rng: random.Random) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for h in handoff.space:
        if isinstance(h, Choice):
            values[h.name] = rng.choice(h.options)
        elif not isinstance(h, Fixed):
            values[h.name] = h.given(values).from_unit(rng.random())
    return handoff.space.active(values)


def _curve(setup: dict[str, Value], epochs: int, rng: random.Random) -> list[tuple[int, float]]:
    distance = abs(math.log10(float(setup["lr"]) / 1e-3))
    floor = 0.06 + 0.09 * distance
    return [
        (epoch, (floor + 2.2 * math.exp(-epoch / (4 + 5 * distance))) * (1 + rng.gauss(0, 0.02)))
        for epoch in range(1, epochs + 1)
    ]


def _write_tables(db: sqlite3.Connection, writer: _Writer, epochs: int) -> None:
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN")
    columns = [(e.seq, e.time, e.kind, e.body, e.prev, e.hash) for e in writer.entries]
    db.executemany("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)", columns)
    for event, entry in zip(writer.events, writer.entries, strict=True):
        write_trial(db, RunState(), event, entry.time)
    ids = sorted(trial for (trial,) in db.execute("SELECT id FROM trial"))
    last = db.execute("SELECT id FROM trial WHERE status = 'running'").fetchone()[0]
    db.execute("CREATE TEMP TABLE number (n INTEGER PRIMARY KEY)")
    db.executemany("INSERT INTO number VALUES (?)", [(n,) for n in range(1, 18 * epochs + 1)])
    for trial in ids:
        _write_rows(db, trial, epochs if trial != last else epochs // 2)
    db.execute(
        "UPDATE trial SET epoch = ?, step = ?, steps_per_epoch = ? WHERE id = ?",
        (epochs // 2, STEPS * (epochs // 2) + 7, STEPS, last),
    )
    _write_hardware(db, writer.time)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _write_rows(db: sqlite3.Connection, trial: str, epochs: int) -> None:
    """In the order of the key, so that SQLite never goes back."""
    for name, count in sorted(METRICS):
        every = STEPS // count
        sql = """INSERT INTO metric (trial, name, step, epoch, value)
                 SELECT ?, ?, n * ?, (n * ? - 1) / ? + 1, 2.3 / (1 + 0.01 * n) + 0.0001 * (n * 7919 % 1000)
                 FROM number WHERE n <= ?"""
        db.execute(sql, (trial, name, every, every, STEPS, epochs * count))
    for name, value in sorted(_TIMINGS):
        sql = "INSERT INTO timing SELECT ?, ?, n * ?, n, ? FROM number WHERE n <= ?"
        db.execute(sql, (trial, name, STEPS, value, epochs))


def _write_hardware(db: sqlite3.Connection, end: datetime) -> None:
    """An hour of seconds, as is kept; older ones are thinned to one in ten, for a day."""
    moments = [*range(86_400, 3600, -10), *range(3600, 0, -1)]
    rows: list[tuple[Any, ...]] = []
    for ago in moments:
        when = clock.to_text(end - timedelta(seconds=ago))
        wave = 71.0 + 20 * math.sin(ago / 5)
        figures = {
            "util_percent": wave, "memory_used_bytes": 12.0 * 2**30, "memory_total_bytes": 64.0 * 2**30,
            "run_cpu_percent": 101.0, "run_rss_bytes": 0.6 * 2**30, "load_1m": 1.4,
        }  # fmt: skip
        rows += [(when, "cpu", name, value) for name, value in figures.items()]
    db.executemany("INSERT INTO hardware VALUES (?, ?, ?, ?)", rows)
