"""All that is read of a script while it runs: its output line by line, and the files that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from staycourse.task.command.event_files import DEFAULT, EventFiles
from staycourse.task.command.files import CsvFile, JsonFile, Pattern
from staycourse.task.command.json_lines import JsonLines
from staycourse.task.command.patterns import Patterns
from staycourse.task.command.record import EPOCH, Record

METRICS_FILE = "metrics.jsonl"


class _Polled(Protocol):
    def poll(self) -> Iterator[Record]: ...


class Reading:
    """`metrics` is `[task.metrics]`; paths in it are filled with `values` and start at `folder`, where the
    script runs. `own` is the file that the script was told of as STAYCOURSE_METRICS."""

    def __init__(
        self, metrics: Mapping[str, Any], folder: Path, values: Mapping[str, str], own: Path
    ) -> None:
        self._lines: list[Callable[[str], Record | None]] = []
        self._files: list[_Polled] = [JsonFile(Pattern(own.parent, own.name))]
        if text := metrics.get("text"):
            self._lines.append(Patterns(text).read)
        if jsonl := metrics.get("jsonl"):
            self._read_json(jsonl, folder, values)
        if table := metrics.get("csv"):
            columns = {name: column for name, column in table.items() if name != "file"}
            self._files.append(CsvFile(Pattern(folder, table["file"], values), columns))
        if table := metrics.get("tensorboard"):
            self._read_events(table, folder, values)

    def line(self, text: str) -> list[Record]:
        """What a line of the output tells."""
        return [found for read in self._lines if (found := read(text)) is not None]

    def poll(self) -> list[Record]:
        """What was written into files since."""
        return [record for file in self._files for record in file.poll()]

    def _read_json(self, table: Any, folder: Path, values: Mapping[str, str]) -> None:
        names = None if table is True else {name: key for name, key in table.items() if name != "file"}
        if table is not True and "file" in table:
            self._files.append(JsonFile(Pattern(folder, table["file"], values), names or None))
        else:
            self._lines.append(JsonLines(names).read)

    def _read_events(self, table: Any, folder: Path, values: Mapping[str, str]) -> None:
        known = {} if table is True else table
        tags = {name: tag for name, tag in known.items() if name != "file"}
        everywhere = Pattern(Path(values["trial_dir"]), DEFAULT)
        pattern = Pattern(folder, known["file"], values) if "file" in known else everywhere
        self._files.append(EventFiles(pattern, tags or None))


def may_tell_epochs(metrics: Mapping[str, Any]) -> bool:
    """Whether the script says in which epoch it is, as far as the roadmap tells; another file may, too."""
    tables = [table for table in metrics.values() if table]
    return any(table is True or EPOCH in table for table in tables) or bool(metrics.get("tensorboard"))
