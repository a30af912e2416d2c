"""Everything that was used and measured in a run, as plain values: what every export is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from staycourse.client import RunClient
from staycourse.core.canonical import decode_number
from staycourse.core.events import EngineStarted
from staycourse.core.pace import PacePoint, seconds_at
from staycourse.record import clock
from staycourse.record.reader import reading
from staycourse.report.exports.energy import energies
from staycourse.report.exports.settings import settings

Row = tuple[str, str, int, int, float]  # trial, name, step, epoch, value

_TRIAL = (
    "id", "phase", "kind", "key", "name", "repetition", "share", "parent", "status", "attempts", "slot",
    "epochs", "horizon", "epoch", "step", "outcome", "rule", "detail", "best_epoch", "best_value", "started",
    "ended", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class TrialData:
    """One trial: its row in the trial table, its set-up, what its worker said of itself, its energy in joules
    (None where no power was measured)."""

    row: Mapping[str, Any]
    setup: Mapping[str, Any]
    facts: Mapping[str, Any]
    energy_j: float | None

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def phase(self) -> str:
        """`3-grid`, which sorts as the phases follow one another."""
        return f"{self.row['phase'] + 1}-{self.row['phase_kind']}"


class RunData:
    """A run as it is now. Raises sqlite3.Error or OSError if it cannot be read, DamagedRun if it is torn."""

    def __init__(self, folder: Path) -> None:
        self._client = RunClient(folder)
        self._client.poll()
        self.paths = self._client.paths

    @property
    def name(self) -> str:
        return self.paths.name

    @property
    def seal(self) -> str:
        sealed = self._client.state.sealed
        return sealed.seal if sealed else ""

    @cached_property
    def trials(self) -> list[TrialData]:
        """All that are planned, in that order."""
        with reading(self.paths.database) as db:
            found = db.execute(
                f"SELECT setup, facts, {', '.join(_TRIAL)} FROM trial ORDER BY rowid"
            ).fetchall()
            used = energies(db)
        kinds = [phase.kind for phase in self._client.roadmap.phases]
        return [
            TrialData(
                _row(row, kinds),
                json.loads(setup),
                json.loads(facts) if facts else {},
                used.get(row[0]),
            )
            for setup, facts, *row in found
        ]

    def best_by_phase(self) -> dict[str, float]:
        """The best value of the objective by phase (`3-grid`), of trials that have completed."""
        choose = min if self._client.roadmap.objective.goal == "min" else max
        found: dict[str, list[float]] = {}
        for trial in self.trials:
            if trial.row["outcome"] == "completed" and trial.row["best_value"] is not None:
                found.setdefault(trial.phase, []).append(trial.row["best_value"])
        return {phase: choose(values) for phase, values in found.items()}

    def rows(self, table: str) -> Iterator[Row]:
        """Of "metric" or "timing": by trial, name and step."""
        assert table in ("metric", "timing")
        with reading(self.paths.database) as db:
            sql = f"SELECT trial, name, step, epoch, value FROM {table} ORDER BY trial, name, step"
            found = db.execute(sql).fetchall()
        for trial, name, step, epoch, value in found:
            yield trial, name, step, epoch, decode_number(value)

    def hardware(self) -> list[tuple[str, str, str, float]]:
        """(time, device, name, value), units in the names."""
        with reading(self.paths.database) as db:
            return db.execute("SELECT time, device, name, value FROM hardware ORDER BY rowid").fetchall()

    def moment(self, trial: TrialData, step: int) -> float:
        """When a step was done, in seconds since 1970, by the pace of the trial's steps."""
        started = clock.from_text(str(trial.row["started"])).timestamp() if trial.row["started"] else 0.0
        if trial.id not in self._paces:
            self._paces[trial.id] = self._client.pace(trial.id)
        points = self._paces[trial.id]
        first = points[0][1] if points else 0.0
        return started + max(0.0, (seconds_at(points, step) or 0.0) - first)

    @cached_property
    def _paces(self) -> dict[str, list[PacePoint]]:
        return {}

    def _sessions(self) -> list[dict[str, Any]]:
        """Each time that an engine took the run up: when, where, and what its command line said."""
        with reading(self.paths.database) as db:
            sql = "SELECT time, body FROM ledger WHERE kind = ? ORDER BY seq"
            found = [(time, json.loads(body)) for time, body in db.execute(sql, (EngineStarted.KIND,))]
        names = ("session", "host", "options", "slots")
        return [{"began": time, **{name: body.get(name) for name in names}} for time, body in found]

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The run: what it was made of, where, and what came of it."""
        state, client = self._client.state, self._client
        sealed = state.sealed
        assert sealed is not None, "a run begins with its seal"
        head = self.paths.head.read_text(encoding="utf-8").split() if self.paths.head.exists() else ["", ""]
        return {
            "run": self.name,
            "status": str(client.poll().status),
            "seal": sealed.seal,
            "parts": dict(sealed.parts),
            "head": {"seq": head[0], "hash": head[1]},
            "staycourse": sealed.version,
            "command": sealed.command,
            "roadmap": sealed.roadmap,
            "folder": sealed.folder,
            "settings": settings(client.roadmap, (self.paths.roadmap).read_text(encoding="utf-8"), state),
            "environment": dict(state.environment),
            "sessions": self._sessions(),
            "data": {
                key: value for key, value in sealed.facts.items() if key not in ("interpreter", "command")
            },
            "code": dict(sealed.code),
            "winner": dict(state.winner) if state.winner else None,
            "files": dict(state.files),
            "seconds": sum(trial.row["seconds"] or 0.0 for trial in self.trials),
            "energy_j": _sum([trial.energy_j for trial in self.trials]),
        }


def _row(values: Sequence[Any], kinds: Sequence[str]) -> dict[str, Any]:
    """The row of the trial table, the kind of its phase beside the phase's number."""
    row = {name: _number(value) for name, value in zip(_TRIAL, values, strict=True)}
    return {"id": row.pop("id"), "phase": row.pop("phase"), "phase_kind": kinds[values[1]], **row}


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _number(value: Any) -> Any:
    """`best_value` may be stored as text; nothing else of the row is."""
    return decode_number(value) if value in ("nan", "inf", "-inf") else value
