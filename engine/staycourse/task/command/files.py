"""Metrics from files that a script writes as it goes: JSON lines, CSV as Lightning writes it."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from staycourse.core.command import fill
from staycourse.task.command.json_lines import JsonLines
from staycourse.task.command.lines import Lines
from staycourse.task.command.record import Record, number, record

_MOST = 1 << 24
_WILD = frozenset("*?[")


@dataclass(frozen=True)
class Pattern:
    """Files by a pattern with placeholders; a relative one starts at `folder`. Linked folders are not
    entered: a script's data may be millions of files."""

    folder: Path
    template: str
    values: Mapping[str, str] = field(default_factory=dict)

    def paths(self) -> list[Path]:
        """What it matches now, sorted. What stands for a placeholder is no pattern, whatever it holds."""
        plain = Path(os.path.normpath(self.folder / fill(self.template, self.values)))
        if not _WILD.intersection(self.template):
            return [plain] if plain.exists() or plain.is_symlink() else []
        escaped = {name: glob.escape(value) for name, value in self.values.items()}
        base = glob.escape(str(self.folder))
        whole = Path(os.path.normpath(os.path.join(base, fill(self.template, escaped))))  # noqa: PTH118
        return sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))

    def newest(self) -> Path | None:
        """The file that was changed last; None if there is none."""
        found = [path for path in self.paths() if path.is_file()]
        return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


class JsonFile:
    """JSON lines in the files that a pattern matches, each read on from where it was left."""

    def __init__(self, pattern: Pattern, names: Mapping[str, str] | None = None) -> None:
        self._pattern = pattern
        self._reader = JsonLines(names)
        self._places: dict[Path, tuple[int, Lines]] = {}

    def poll(self) -> Iterator[Record]:
        """What was written since; a line without its end is waited for."""
        for path in self._pattern.paths():
            if not path.is_file():
                continue
            place, lines = self._places.get(path, (0, Lines()))
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < place:
                    place, lines = 0, Lines()  # begun anew
                file.seek(place)
                data = file.read(_MOST)
            self._places[path] = (place + len(data), lines)
            for line in lines.feed(data):
                if found := self._reader.read(line.text):
                    yield found


class CsvFile:
    """The newest CSV file that a pattern matches. Its rows come in the order of the file, each told once;
    an empty cell tells nothing. It may be written anew as a whole, with more columns than before."""

    def __init__(self, pattern: Pattern, columns: Mapping[str, str]) -> None:
        self._pattern, self._columns = pattern, dict(columns)
        self._stamp: tuple[Path, int, int] | None = None
        self._told = 0

    def poll(self) -> Iterator[Record]:
        """The rows that are new."""
        path = self._pattern.newest()
        if path is None:
            return
        status = path.stat()
        stamp = (path, status.st_mtime_ns, status.st_size)
        if stamp == self._stamp:
            return
        if self._stamp is None or self._stamp[0] != path:
            self._told = 0
        rows = _whole_rows(path.read_text(encoding="utf-8", errors="replace"))
        self._stamp = stamp
        fresh, self._told = rows[self._told :], len(rows)
        for row in fresh:
            if found := record(_cells(row, self._columns)):
                yield found


def _whole_rows(text: str) -> list[dict[str, str]]:
    """The rows that are complete: one without its newline may be half written."""
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))


def _cells(row: Mapping[str, str | None], columns: Mapping[str, str]) -> dict[str, float]:
    found: Iterable[tuple[str, float | None]] = (
        (name, number(row.get(column) or "")) for name, column in columns.items()
    )
    return {name: value for name, value in found if value is not None}
