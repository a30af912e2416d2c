"""The files that make up a task: its own and the modules beside it that it imports.

Found by reading, not by running: a static walk over import statements, so that the copy that is sealed
exists before any of the user's code has run.
"""

from __future__ import annotations

import ast
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import resolve_name
from pathlib import Path, PurePosixPath


def local_modules(task_file: Path, root: Path | None = None) -> dict[str, Path]:
    """Relative path (POSIX, from `root`) to file, for the task file and all that it imports from there.
    `root` is the task file's folder, unless another one above it is said.

    Modules and packages that live below it are followed, however deep; those that do not (installed packages,
    the standard library) are left out. A file that does not parse is listed only.
    """
    root = root or task_file.parent
    found: dict[str, Path] = {}
    waiting = [task_file.relative_to(root).as_posix()]
    while waiting:
        relative = waiting.pop()
        if relative in found:
            continue
        found[relative] = root / relative
        for name in imported_names(root / relative, relative):
            waiting.extend(_files_of(root, name))
    return dict(sorted(found.items()))


def copy_sources(task_file: Path, destination: Path) -> dict[str, str]:
    """Copy the task's files into `destination`, their layout kept; returns relative path to SHA-256."""
    hashes = {}
    for relative, path in local_modules(task_file).items():
        target = destination / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        hashes[relative] = sha256(target)
    return hashes


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def imported_names(path: Path, relative: str) -> Iterator[str]:
    """Dotted names, from the task's folder on, that the file may import; `a.b` of `from a import b` too."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError, OSError):
        return
    package = PurePosixPath(relative).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _from_import(node, package)
        elif isinstance(node, ast.Call):
            yield from _dynamic_import(node)


def _from_import(node: ast.ImportFrom, package: tuple[str, ...]) -> Iterator[str]:
    parts: tuple[str, ...] = ()
    if node.level:
        up = node.level - 1
        if up > len(package):
            return
        parts = package[: len(package) - up]
    if node.module:
        parts += tuple(node.module.split("."))
    if parts:
        yield ".".join(parts)
    yield from (".".join((*parts, alias.name)) for alias in node.names if alias.name != "*")


def _dynamic_import(node: ast.Call) -> Iterator[str]:
    """`importlib.import_module("name")`, also of `(".name", "package")`, and `__import__("name")` with the
    names written out."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called not in ("import_module", "__import__"):
        return
    package = [word.value for word in node.keywords if word.arg == "package"]
    written = [each.value for each in [*node.args, *package] if isinstance(each, ast.Constant)]
    names = [name for name in written if isinstance(name, str)]
    if not names or not names[0].startswith("."):
        yield from names[:1]
    elif len(names) > 1:
        with suppress(ImportError):
            yield resolve_name(names[0], names[1])


def _files_of(root: Path, name: str) -> list[str]:
    """The local files that importing `name` runs: each package's `__init__` on the way, then the module."""
    files: list[str] = []
    at = PurePosixPath()
    for part in name.split("."):
        if not part.isidentifier():
            break
        at = at / part
        module, package = f"{at}.py", str(at / "__init__.py")
        if (root / package).is_file():
            files.append(package)
        elif (root / module).is_file():
            files.append(module)
            break
        elif not (root / at).is_dir():
            break
    return files
