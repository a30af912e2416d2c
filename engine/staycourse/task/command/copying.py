"""The copy of a command's code: its scripts with the modules beside them, what `include` names, links."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from staycourse.core.command import placeholders
from staycourse.core.problems import KeyPath, Problem
from staycourse.core.sections import Task
from staycourse.task.command.interpreter import WORDS
from staycourse.task.sources import local_modules

_CODE = (".py", ".sh", ".bash", ".pl", ".rb", ".lua", ".jl", ".R")
# Where in the copy a script lies that is named from elsewhere, with the modules beside it.
_OUTSIDE = "_outside"
_MOST_FILES, _MOST_BYTES = 10_000, 512 * 2**20


@dataclass
class Copied:
    """`words` are the command's, paths among them as they are in the copy; `folder` is where in the copy they
    run; `scripts` are the Python files among them, by their path in the copy."""

    words: tuple[str, ...]
    folder: str
    scripts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def copy(task: Task, words: Sequence[str], folder: Path, target: Path) -> Copied:
    """Copy what the command needs from the roadmap's `folder` into `target`, laid out as it is there."""
    return _Copying(task, tuple(words), folder, target).copy()


class _Copying:
    def __init__(self, task: Task, words: tuple[str, ...], folder: Path, target: Path) -> None:
        self._task, self._words, self._folder, self._target = task, words, folder, target
        self._found = {at: path for at, path in enumerate(map(self._file, words)) if path is not None}
        self._root = self._common_root()
        self._files: dict[Path, Path] = {}

    def copy(self) -> Copied:
        where = os.path.relpath(self._folder, self._root)
        copied = Copied(self._own_words(), "" if where == "." else where)
        for path in [*self._found.values(), *self._modules_by_name()]:
            self._add_script(path, copied)
        copied.problems += self._include()
        copied.problems += self._link()
        if not self._found and not copied.scripts:
            copied.notes.append("no file of the command lies beside the roadmap: none of its code is sealed")
        copied.problems += self._write()
        copied.notes += self._left_behind()
        return copied

    def _file(self, word: str) -> Path | None:
        """The code file that a word names; data is not copied unasked."""
        if placeholders(word) or word.startswith("-"):
            return None
        path = Path(os.path.normpath(self._folder / Path(word).expanduser()))
        is_program = word == self._words[0] and os.sep in word and not _is_of_the_system(path)
        return path if (word.endswith(_CODE) or is_program) and path.is_file() else None

    def _common_root(self) -> Path:
        """The lowest folder that holds the roadmap's and each script named relative to it; those named from
        elsewhere have their own place in the copy."""
        near = [path.parent for at, path in self._found.items() if not _is_absolute(self._words[at])]
        return Path(os.path.commonpath([self._folder, *near]))

    def _own_words(self) -> tuple[str, ...]:
        """An absolute path to a script leads to its copy instead."""
        words = list(self._words)
        for at, path in self._found.items():
            if _is_absolute(words[at]):
                words[at] = os.path.relpath(self._root / self._place(path), self._folder)
        return tuple(words)

    def _place(self, path: Path) -> Path:
        """Where in the copy a file lies."""
        if path.is_relative_to(self._root):
            return path.relative_to(self._root)
        outside = next(script.parent for script in self._found.values() if path.is_relative_to(script.parent))
        return Path(_OUTSIDE) / outside.name / path.relative_to(outside)

    def _modules_by_name(self) -> Iterator[Path]:
        """The files that `python -m package.module` runs: each package's `__init__` on the way as well."""
        for before, word in zip(self._words, self._words[1:], strict=False):
            if before == "-m" and Path(self._words[0]).name in WORDS:
                parts = word.split(".")
                packages = [self._folder.joinpath(*parts[:at]) for at in range(1, len(parts) + 1)]
                base = packages[-1]
                found = [package / "__init__.py" for package in packages]
                yield from (p for p in (*found, base.with_suffix(".py"), base / "__main__.py") if p.is_file())

    def _add_script(self, path: Path, copied: Copied) -> None:
        place = self._place(path)
        if path.suffix != ".py":
            self._files[place] = path
            return
        # A module run by its name finds others from the working directory, a script from its own folder.
        roots = {path.parent, self._folder} if path.is_relative_to(self._folder) else {path.parent}
        for root in sorted(roots):
            for relative, module in local_modules(path, root).items():
                self._files[self._place(root / relative)] = module
        copied.scripts.append(place.as_posix())

    def _include(self) -> Iterator[Problem]:
        for at, pattern in enumerate(self._task.include):
            path: KeyPath = ("task", "include", at)
            if _is_absolute(pattern) or ".." in Path(pattern).parts:
                yield Problem(
                    path, f"'{pattern}' leads out of the roadmap's folder", "a path inside, or links"
                )
                continue
            found = [each for each in self._folder.glob(pattern) if each.is_file()]
            found += [f for each in self._folder.glob(pattern) if each.is_dir() for f in _below(each)]
            if not found:
                yield Problem(path, f"no file matches '{pattern}'", f"relative to {self._folder}")
            for each in found:
                self._files[self._place(each)] = each

    def _link(self) -> Iterator[Problem]:
        for at, name in enumerate(self._task.links):
            path: KeyPath = ("task", "links", at)
            origin = self._folder / Path(name).expanduser()
            if _is_absolute(name) or ".." in Path(name).parts:
                right = "a name inside the roadmap's folder; an absolute path can be used as it is"
                yield Problem(path, f"'{name}' is not in the roadmap's folder", right)
            elif not origin.exists():
                yield Problem(path, f"no such file or folder: {origin}", "what the script reads, data say")
            else:
                link = self._target / self._place(origin)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(origin.resolve())

    def _write(self) -> list[Problem]:
        size = sum(path.stat().st_size for path in self._files.values())
        if len(self._files) > _MOST_FILES or size > _MOST_BYTES:
            said = f"{len(self._files):,} files of {size / 1e6:,.0f} MB would be copied"
            return [Problem(("task", "include"), said, 'links = ["…"] for data, which is not copied')]
        for place, path in self._files.items():
            target = self._target / place
            if any(parent.is_symlink() for parent in target.parents):
                continue  # below a link it is there already
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        return []

    def _left_behind(self) -> Iterator[str]:
        """Words that name something beside the roadmap which the copy does not have."""
        for word in self._words:
            value = word.partition("=")[2] if word.startswith("-") or "=" in word else word
            if not value or placeholders(value) or _is_absolute(value) or value.startswith("-"):
                continue
            origin = self._folder / value
            if (
                origin.exists()
                and origin != self._folder
                and not (self._target / self._place(origin)).exists()
            ):
                yield (
                    f"{value} is not in the copy that the script runs in; "
                    f'if it is read, say so: links = ["{value}"], or include'
                )


def _is_absolute(text: str) -> bool:
    return text.startswith(("/", "~"))


def _is_of_the_system(path: Path) -> bool:
    """A program that is installed, and no script of the project's."""
    return path.parts[:2] in (("/", "bin"), ("/", "usr"), ("/", "opt"))


def _below(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
