"""What a task uses beside the copy of its code: modules that lie elsewhere, files that its functions open.

They are not copied, for they may look for what lies around them. They are sealed by content and watched.
Data is left to its own fingerprint, and what is installed to the environment.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from staycourse.core.text import one_line
from staycourse.record.seal import outside_digest
from staycourse.task.contract import Task
from staycourse.task.data_files import Manifest, name_of
from staycourse.task.distributions import installed_files
from staycourse.task.opened_files import OpenedFiles, is_regular, take_readable
from staycourse.task.places import Places

# dataset, groups and evaluate read data, add_arguments what there is to choose from.
_FUNCTIONS = ("model", "loss", "metrics", "optimizer", "collate", "teacher")
_MOST_TOLD, _MOST_NAMED = 200, 3


class OutsideFiles:
    """Made before the task is loaded, `importing` entered around its import, `listen_to` told of it, and
    `found` asked when all of its functions have been called."""

    def __init__(self, folder: Path, places: Places) -> None:
        """`folder` is the roadmap's."""
        self._folder, self._places = folder, places
        self._opened = OpenedFiles(places)
        self._loaded = frozenset(sys.modules)

    @property
    def importing(self) -> AbstractContextManager[object]:
        return self._opened

    def listen_to(self, task: Task) -> None:
        """Note what is opened within the task's functions, the data's own ones left out."""
        wrapped = {name: _within(self._opened, task.functions[name]) for name in _FUNCTIONS if task.has(name)}
        task.functions = {**task.functions, **wrapped}

    def found(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """The facts, None where there is nothing of that kind; `data` are its files, a manifest as JSON.

        {"count", "left_out", "digest": what is sealed, "files": the first [name, SHA-256], "manifest":
        "outside.json" of the run}. A module's name is its dotted one, so that it may lie elsewhere.
        """
        names = self._modules()
        covered = {row[0] for row in data["files"]} if data["kind"] == "covered" else set()
        opened = (path for path in self._opened.read if name_of(self._folder, Path(path)) not in covered)
        counting = self._counting([*names, *opened])
        # Its version stands for a distribution, wherever it is installed.
        installed = installed_files(names[str(path)] for path in counting if str(path) in names)
        paths = [path for path in counting if str(path) not in installed]
        if not paths:
            return None
        manifest = take_readable(self._folder, paths, "outside")
        dotted = {name_of(self._folder, Path(path)): name for path, name in names.items()}
        body = manifest.to_json() | {"names": [dotted.get(file.path, file.path) for file in manifest.files]}
        return _facts(manifest, body)

    def _modules(self) -> dict[str, str]:
        """File to dotted name, of the modules that were loaded since."""
        found: dict[str, str] = {}
        for name in sorted(sys.modules.keys() - self._loaded):
            with suppress(Exception):  # a module may be any object, and its attributes may do anything
                path = vars(sys.modules[name]).get("__file__")
                if isinstance(path, str) and Path(path).is_absolute():
                    found.setdefault(os.path.normpath(path), name)
        return found

    def _counting(self, paths: Iterable[str]) -> list[Path]:
        counts = self._places.counting()
        return [Path(path) for path in dict.fromkeys(paths) if counts(path) and is_regular(path)]


def told(facts: Mapping[str, Any]) -> str:
    """The same in one line, for who is about to seal it."""
    files = facts["manifest"]["files"]
    shown = ", ".join(one_line(row[0]) for row in files[:_MOST_NAMED])
    more = facts["count"] - len(files[:_MOST_NAMED])
    others = f" and {more:,} more" if more else ""
    left_out = f"; {facts['left_out']:,} others are not" if facts["left_out"] else ""
    return (
        f"the task uses {shown}{others} from outside the copy of its code: "
        f"sealed by content and watched, not copied{left_out}"
    )


def _facts(manifest: Manifest, body: dict[str, Any]) -> dict[str, Any]:
    named = [[name, file.sha256] for name, file in zip(body["names"], manifest.files, strict=True)]
    return {
        "count": len(manifest.files),
        "left_out": manifest.left_out,
        "digest": outside_digest(body),
        "files": named[:_MOST_TOLD],
        "manifest": body,
    }


def _within(opened: OpenedFiles, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def listened_to(*args: Any, **kwargs: Any) -> Any:
        with opened:
            return function(*args, **kwargs)

    return listened_to
