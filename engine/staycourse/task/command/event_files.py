"""Metrics from TensorBoard's event files, through TensorBoard's own reader."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from staycourse.task.command.files import Pattern
from staycourse.task.command.record import EPOCH, Record, number, record

DEFAULT = "**/*tfevents*"


def is_available() -> bool:
    """Whether the reader is installed: `pip install 'staycourse[tensorboard]'`."""
    return importlib.util.find_spec("tensorboard") is not None


class EventFiles:
    """`tags` maps a metric to its tag; None takes every scalar under the tag that it has. `epoch` may be a
    tag as well, whose value at the same step counts; without one the step is the epoch."""

    def __init__(self, pattern: Pattern, tags: Mapping[str, str] | None = None) -> None:
        self._pattern = pattern
        self._names = {tag: name for name, tag in tags.items()} if tags is not None else None
        self._loaders: dict[Path, Any] = {}
        self._steps: dict[int, dict[str, float]] = {}

    def poll(self) -> Iterator[Record]:
        """What was written since, step by step. Where epochs have a tag, values wait for theirs."""
        for path in self._files():
            for step, tag, value in self._scalars(path):
                name = tag if self._names is None else self._names.get(tag)
                if name is not None:
                    self._steps.setdefault(step, {})[name] = value
        has_epochs = self._names is not None and EPOCH in self._names.values()
        for step in sorted(self._steps):
            if has_epochs and EPOCH not in self._steps[step]:
                continue
            found = self._steps.pop(step)
            told = record(found if has_epochs else {**found, EPOCH: float(step)})
            if told is not None:
                yield Record(told.values, told.epoch, step if has_epochs else None)

    def _files(self) -> list[Path]:
        found = []
        for path in self._pattern.paths():
            found += sorted(path.rglob("*tfevents*")) if path.is_dir() else [path]
        return found

    def _scalars(self, path: Path) -> Iterator[tuple[int, str, float]]:
        for event in self._loader(path).Load():
            for value in event.summary.value:
                if (read := _scalar(value)) is not None:
                    yield event.step, value.tag, read

    def _loader(self, path: Path) -> Any:
        if path not in self._loaders:
            from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

            self._loaders[path] = LegacyEventFileLoader(str(path))
        return self._loaders[path]


def _scalar(value: Any) -> float | None:
    """A scalar as old and new writers store it; None for images, histograms, text."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if value.HasField("tensor"):
        from tensorboard.util.tensor_util import make_ndarray

        array = make_ndarray(value.tensor)
        return number(array.item()) if array.size == 1 and array.dtype.kind in "fiu" else None
    return None
