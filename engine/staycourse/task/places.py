"""Where a task's own files may lie: not where Python and its packages are, nor where caches and temporary
files are kept."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import staycourse

# Where data is put that has to be read fast.
_SHARED_MEMORY = "/dev/shm/"
_SYSTEM = ("/proc", "/dev", "/sys", "/etc", "/lib", "/usr/lib", "/usr/share")
_INSTALLED = ("site-packages", "dist-packages", "__pycache__")


class Places:
    """`code` is the folder of the task's copy, `own` those that the user works in: the roadmap's and the one
    that the task was copied from. Paths are absolute, links in them are not followed."""

    def __init__(self, code: Path, own: Sequence[Path]) -> None:
        self._own = [_below(path) for path in own]
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.realpath(sys.prefix)}
        # A prefix may hold everything (/usr with the work in /usr/src): only its library tells then.
        around = [_below(prefix) for prefix in prefixes]
        kept = [prefix for prefix in around if not any(own.startswith(prefix) for own in self._own)]
        library = [_below(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
        self._system = (*kept, *library, *map(_below, _SYSTEM), _below(code))

    def is_system(self, path: str) -> bool:
        """Whether it belongs to the machine, to Python or to the copy of the code."""
        if path.startswith(_SHARED_MEMORY):
            return False
        return path.startswith(self._system) or not {*path.split("/")}.isdisjoint(_INSTALLED)

    def counting(self) -> Callable[[str], bool]:
        """Whether a file is one that somebody has put there for the task to use; asked once the task has
        been imported, for what it adds to the path of modules is put there as well.

        Hidden folders (caches) and temporary ones count only below which the work itself lies.
        """
        engine = _below(Path(staycourse.__file__).parent)
        bases = sorted({*self._own, *(_below(entry) for entry in sys.path if entry)}, key=len)
        bases = [base for base in bases if not base.startswith((engine, *self._system))]
        temporary = _below(tempfile.gettempdir())

        def counts(path: str) -> bool:
            if self.is_system(path) or path.startswith(engine) or path.endswith(".pyc"):
                return False
            base = next((base for base in reversed(bases) if path.startswith(base)), "/")
            is_hidden = any(part.startswith(".") for part in path[len(base) :].split("/"))
            return not is_hidden and not (path.startswith(temporary) and not base.startswith(temporary))

        return counts


def _below(folder: Path | str) -> str:
    """What every path below the folder begins with."""
    return f"{os.path.normpath(Path(folder).absolute()).rstrip('/')}/"
