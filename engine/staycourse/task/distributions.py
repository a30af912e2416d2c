"""The installed distributions that a task's own files import: their versions belong to the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from staycourse.task.sources import imported_names


def imported_distributions(code: Path) -> list[str]:
    """Names of the distributions behind the imports in the files below `code`, sorted.

    By reading, so that an import inside a function counts. Modules without a distribution (the standard
    library, what is found by a changed path alone) are left out.
    """
    files = [(path, path.relative_to(code).as_posix()) for path in sorted(code.rglob("*.py"))]
    names = {name.partition(".")[0] for path, relative in files for name in imported_names(path, relative)}
    own = {relative.partition("/")[0].removesuffix(".py") for _, relative in files}
    wanted = names - own - sys.stdlib_module_names
    if not wanted:
        return []
    installed = metadata.packages_distributions()
    found = {each for name in wanted for each in installed.get(name, ()) or _of_that_name(name)}
    return sorted(found)


def installed_files(modules: Iterable[str]) -> set[str]:
    """Absolute paths of all that the distributions of those modules have installed; the sources of an
    editable install are none of it."""
    tops = {name.partition(".")[0] for name in modules}
    installed = metadata.packages_distributions() if tops else {}
    found = (metadata.distribution(each) for name in tops for each in installed.get(name, ()))
    return {os.path.normpath(str(each.locate_file(file))) for each in found for file in each.files or ()}


def _of_that_name(name: str) -> list[str]:
    """An editable install may not say which modules it holds."""
    try:
        return [metadata.distribution(name).name]
    except (metadata.PackageNotFoundError, ValueError):
        return []
