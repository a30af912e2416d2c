"""A run as TensorBoard event files: scalars of every trial, and its hyperparameters for the HPARAMS tab.

Values are 32-bit floats there, which is what TensorBoard keeps of a scalar.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from staycourse.core.text import one_line
from staycourse.report.exports.run_data import Row, RunData, TrialData

_FILE = "events.out.tfevents.staycourse"
_VERSION = "brain.Event:2"
_HPARAMS = "hparams"
_START, _END = "_hparams_/session_start_info", "_hparams_/session_end_info"


def export(run: RunData, folder: Path) -> None:
    """`<phase>/<trial>/events.out.tfevents.staycourse` for each trial that has reported anything."""
    trials = {trial.id: trial for trial in run.trials}
    for phase in {trial.phase for trial in run.trials}:
        shutil.rmtree(folder / phase, ignore_errors=True)
    for name, rows in groupby(_all_rows(run), key=lambda row: row[0]):
        trial = trials.get(name)
        if trial is not None:
            _write(run, trial, list(rows), folder / trial.phase / trial.id / _FILE)


def _all_rows(run: RunData) -> Iterator[Row]:
    """By trial; timings by the side of metrics, under `timing/`."""
    timings = (
        (trial, f"timing/{name}", step, epoch, value)
        for trial, name, step, epoch, value in run.rows("timing")
    )
    yield from sorted([*run.rows("metric"), *timings], key=lambda row: (row[0], row[2], row[1]))


def _write(run: RunData, trial: TrialData, rows: list[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        begun = run.moment(trial, 0)
        for event in (
            Event(wall_time=begun, file_version=_VERSION),
            Event(wall_time=begun, summary=_started(run, trial, begun)),
            *_scalars(run, trial, rows),
            Event(wall_time=begun + (trial.row["seconds"] or 0.0), summary=_ended(trial, begun)),
        ):
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


def _scalars(run: RunData, trial: TrialData, rows: list[Row]) -> Iterator[Event]:
    """One event a step: what an event costs is its checksum."""
    for step, group in groupby(rows, key=lambda row: row[2]):
        values = [Summary.Value(tag=one_line(name), simple_value=value) for _, name, _, _, value in group]
        yield Event(wall_time=run.moment(trial, step), step=step, summary=Summary(value=values))


def _started(run: RunData, trial: TrialData, begun: float) -> Summary:
    info = plugin_data_pb2.SessionStartInfo(group_name=f"{run.name}/{trial.id}", start_time_secs=begun)
    for name, value in {**trial.setup, "phase": trial.phase, "repetition": trial.row["repetition"]}.items():
        _set(info.hparams, name, value)
    return _hparams(_START, plugin_data_pb2.HParamsPluginData(session_start_info=info, version=0))


def _set(target: Any, name: str, value: Any) -> None:
    if isinstance(value, bool):
        target[name].bool_value = value
    elif isinstance(value, (int, float)):
        target[name].number_value = value
    else:
        target[name].string_value = one_line(str(value))


def _ended(trial: TrialData, begun: float) -> Summary:
    outcome = trial.row["outcome"]
    names: Mapping[str | None, int] = {"completed": api_pb2.STATUS_SUCCESS, None: api_pb2.STATUS_RUNNING}
    status = names.get(outcome, api_pb2.STATUS_FAILURE)
    info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=begun + (trial.row["seconds"] or 0.0))
    return _hparams(_END, plugin_data_pb2.HParamsPluginData(session_end_info=info, version=0))


def _hparams(tag: str, data: Any) -> Summary:
    plugin = SummaryMetadata.PluginData(
        plugin_name=_HPARAMS, content=data.SerializeToString(deterministic=True)
    )
    return Summary(value=[Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))])
