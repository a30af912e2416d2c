"""A run in MLflow: one run for all of it, in that one for each phase, in those one for each trial.

Into the store that MLFLOW_TRACKING_URI names, as MLflow's own clients do, else into `mlflow.db` (SQLite) in
the export's folder. What an earlier export of the same run has left there is deleted first.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from staycourse.core.canonical import plain
from staycourse.core.text import one_line
from staycourse.report.exports.run_data import Row, RunData, TrialData

# Before the import: nothing is to be told to anybody but the store, and a server that is not there is to be
# noticed within seconds.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

_URI = "MLFLOW_TRACKING_URI"
_SEAL, _PARENT, _NAME = "staycourse.seal", "mlflow.parentRunId", "mlflow.runName"
# What the service takes in one call, and as one value.
_METRICS_AT_ONCE, _PARAMS_AT_ONCE, _MOST_TEXT = 1000, 100, 5000
_KEY = re.compile(r"[^\w\-. /:]")
_OUTCOMES: Mapping[str | None, str] = {"completed": "FINISHED", None: "RUNNING"}
_STATUSES: Mapping[str, str] = {"finished": "FINISHED", "running": "RUNNING", "sealed": "SCHEDULED"}


def export(run: RunData, folder: Path) -> None:
    """Raises MlflowException where the store cannot be reached or refuses."""
    for name in ("mlflow", "mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    uri = os.environ.get(_URI)
    if uri is None:
        (folder / "mlflow.db").unlink(missing_ok=True)
        shutil.rmtree(folder / "artifacts", ignore_errors=True)
    _Exporter(run, uri or f"sqlite:///{folder.resolve() / 'mlflow.db'}", None if uri else folder).export()


class _Exporter:
    def __init__(self, run: RunData, uri: str, folder: Path | None) -> None:
        self._run = run
        self._client = MlflowClient(tracking_uri=uri)
        self._experiment = self._experiment_of(run.name, folder)
        self._begun = int(1000 * min((run.moment(trial, 0) for trial in run.trials), default=0.0))

    def export(self) -> None:
        self._forget()
        body = self._run.metadata
        whole = self._create(self._run.name, None, self._begun)
        self._params(whole, {name: each["value"] for name, each in body["settings"].items()})
        self._client.log_text(whole, json.dumps(plain(body), indent=2, ensure_ascii=False), "run.json")
        rows = {name: list(found) for name, found in groupby(self._rows(), key=lambda row: row[0])}
        for phase, trials in groupby(self._run.trials, key=lambda trial: trial.phase):
            above = self._create(phase, whole, self._begun)
            for trial in trials:
                self._trial(trial, above, rows.get(trial.id, []))
            self._client.set_terminated(above, "FINISHED")
        self._client.set_terminated(whole, _STATUSES.get(body["status"], "FAILED"))

    def _rows(self) -> Iterator[Row]:
        """By trial; timings by the side of metrics, under `timing/`."""
        for trial, name, step, epoch, value in self._run.rows("timing"):
            yield trial, f"timing/{name}", step, epoch, value
        yield from self._run.rows("metric")

    def _trial(self, trial: TrialData, above: str, rows: list[Row]) -> None:
        begun = self._run.moment(trial, 0)
        made = self._create(trial.id, above, int(1000 * begun))
        self._params(
            made, {**trial.setup, "repetition": trial.row["repetition"], "share": trial.row["share"]}
        )
        told = ("outcome", "rule", "detail", "parent", "slot", "best_epoch", "best_value")
        tags = {f"staycourse.{name}": trial.row[name] for name in told if trial.row[name] is not None}
        metrics = (
            Metric(_key(name), value, int(1000 * self._run.moment(trial, step)), step)
            for _, name, step, _, value in rows
        )
        for batch in _batches(metrics, _METRICS_AT_ONCE):
            self._client.log_batch(made, metrics=batch)
        self._client.log_batch(made, tags=[RunTag(name, _text(value)) for name, value in tags.items()])
        ended = int(1000 * (begun + (trial.row["seconds"] or 0.0)))
        status = _OUTCOMES.get(trial.row["outcome"], "FAILED")
        if status != "RUNNING":
            self._client.set_terminated(made, status, end_time=ended)

    def _create(self, name: str, above: str | None, begun: int) -> str:
        tags = {_SEAL: self._run.seal, **({_PARENT: above} if above else {})}
        made = self._client.create_run(self._experiment, start_time=begun, run_name=name, tags=tags)
        return str(made.info.run_id)

    def _params(self, made: str, values: Mapping[str, Any]) -> None:
        params = (Param(_key(name), _text(value)) for name, value in values.items())
        for batch in _batches(params, _PARAMS_AT_ONCE):
            self._client.log_batch(made, params=batch)

    def _experiment_of(self, name: str, folder: Path | None) -> str:
        known = self._client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        place = (folder / "artifacts").resolve().as_uri() if folder is not None else None
        return str(self._client.create_experiment(name, artifact_location=place))

    def _forget(self) -> None:
        """Delete what an earlier export of this run has left."""
        wanted = f"tags.`{_SEAL}` = '{self._run.seal}'"
        found = self._client.search_runs([self._experiment], wanted, max_results=50_000)
        for each in found:
            self._client.delete_run(each.info.run_id)


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def _key(name: str) -> str:
    """`phase[1].epochs` as `phase.1.epochs`; other signs that MLflow refuses become underscores."""
    dotted = name.replace("[", ".").replace("]", "").lstrip("-")
    return _KEY.sub("_", one_line(dotted, 200)) or "_"


def _text(value: Any) -> str:
    """As exact as it is, on one line."""
    if isinstance(value, float):
        return repr(value)
    return one_line(
        value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False), _MOST_TEXT
    )
