"""A run as CSV files that any spreadsheet or data frame reads, and `run.json` with everything else."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from staycourse.core.canonical import encode_number, plain
from staycourse.core.text import sanitise
from staycourse.report.exports.run_data import RunData

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(run: RunData, folder: Path) -> None:
    """Write `run.json`, `trials.csv`, `metrics.csv`, `timings.csv` and `hardware.csv`."""
    text = json.dumps(plain(run.metadata), indent=2, ensure_ascii=False)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")
    _write_trials(run, folder / "trials.csv")
    header = ("trial", "name", "step", "epoch", "value")
    for table, name in (("metric", "metrics.csv"), ("timing", "timings.csv")):
        _write(folder / name, header, ((*row, encode_number(value)) for *row, value in run.rows(table)))
    _write(folder / "hardware.csv", ("time", "device", "name", "value"), run.hardware())


def _write_trials(run: RunData, path: Path) -> None:
    """One line a trial; a column for each hyperparameter of any of them."""
    trials = run.trials
    names = list(dict.fromkeys(name for trial in trials for name in trial.setup))
    columns = list(trials[0].row) if trials else []
    used = ("train_samples", "validation_samples", "parameters", "device_name", "exit_code", "peak_rss_bytes")
    header = [*columns, "energy_j", *(f"setup.{name}" for name in names), *used]
    rows = (
        [
            *trial.row.values(),
            trial.energy_j,
            *(trial.setup.get(name) for name in names),
            *(trial.facts.get(name) for name in used),
        ]
        for trial in trials
    )
    _write(path, header, rows)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_cell(name) for name in header])
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    """Text made harmless: no formula, no control character. Numbers stay as exact as they are."""
    if isinstance(value, float):
        encoded = encode_number(value)
        return repr(encoded) if isinstance(encoded, float) else encoded
    if not isinstance(value, str):
        return value
    if value in ("nan", "inf", "-inf"):
        return value
    text = sanitise(value)
    return f"'{text}" if value.startswith(_FORMULA) or text.startswith(_FORMULA) else text
