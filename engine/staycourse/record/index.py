"""The user's list of runs, so that they are found from anywhere."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from pathlib import Path

from staycourse.core.problems import UserError
from staycourse.record.damage import DamagedRun
from staycourse.record.files import write_atomically
from staycourse.record.paths import NoHome, RunPaths, runs_folder, state_folder
from staycourse.record.reader import reading


class NoSuchRun(UserError):
    """No run of that name or place."""


def enlist(run: Path) -> None:
    """Put a run on the list. A state folder that cannot be written, or that there is none, costs the listing
    and not the run."""
    name = hashlib.sha256(str(run).encode()).hexdigest()[:16]
    with contextlib.suppress(OSError, NoHome):
        folder = state_folder() / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, f"{run}\n")


def listed() -> list[Path]:
    """Every listed run that still exists, newest first."""
    return _newest_first(entered())


def entered() -> list[Path]:
    """Every folder on the list, those that are gone as well. None of them is looked at."""
    try:
        folder = state_folder() / "runs"
    except NoHome:
        return []
    found = []
    for entry in sorted(folder.glob("[0-9a-f]*")) if folder.is_dir() else []:
        with contextlib.suppress(OSError, ValueError):  # an entry that is gone or torn is no entry
            found.append(Path(entry.read_text(encoding="utf-8").strip()))
    return found


def runs_in(folder: Path) -> list[Path]:
    """Every run in a folder of runs, newest first."""
    return _newest_first(folders_in(folder))


def folders_in(folder: Path) -> list[Path]:
    """Everything in a folder of runs. None of it is looked at."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def all_runs(option: str | None = None) -> list[Path]:
    """The runs here, then those listed, newest first, each once."""
    return _newest_first(list(dict.fromkeys([*runs_in(runs_folder(option)), *listed()])))


def find(name: str | None, option: str | None = None) -> RunPaths:
    """The run of that folder or name; without a name the newest. Raises NoSuchRun."""
    if name is not None and is_run(Path(name)):
        return RunPaths(Path(name).resolve())
    if name and (unsealed := _unsealed(name, option)):
        raise NoSuchRun(
            f"{unsealed} was never sealed: `run` was ended while it made it, and the folder can be deleted"
        )
    runs = all_runs(option)
    if name is not None:
        runs = [run for run in runs if run.name == name.strip("/")]
    if not runs:
        known = ", ".join(run.name for run in all_runs(option)[:5]) or "none yet"
        what = f"no run named '{name}'" if name is not None else "no run yet"
        raise NoSuchRun(f"{what} (known runs: {known})")
    return RunPaths(runs[0])


def find_remains(name: str, option: str | None = None) -> RunPaths | None:
    """What is left of a run of that folder or name whose database is gone; None if there is nothing."""
    places = (Path(name), runs_folder(option) / name, *(run for run in entered() if run.name == name))
    for folder in places:
        with contextlib.suppress(OSError, ValueError):
            if not (folder / "run.db").exists() and _are_remains(folder):
                return RunPaths(folder.resolve())
    return None


def _are_remains(folder: Path) -> bool:
    return (folder / "head").exists() or ((folder / "roadmap.toml").exists() and (folder / "code").is_dir())


def _newest_first(runs: list[Path]) -> list[Path]:
    return sorted(filter(is_run, runs), key=sealed_at, reverse=True)


def is_run(folder: Path) -> bool:
    """A folder that may not be entered, a colleague's on a shared server, is none to this user."""
    try:
        return (folder / "run.db").exists() and not _is_unsealed(folder)
    except (OSError, ValueError):
        return False


def _is_unsealed(folder: Path) -> bool:
    """Whether the folder's database is there and its first event, the seal, is not. The head, which stands
    from soon after it, spares most runs the look into the database."""
    if (folder / "head").exists():
        return False
    database = folder / "run.db"
    try:
        if not any(path.stat().st_size for path in folder.glob(f"{database.name}*")):
            return True
        with reading(database) as db:
            return db.execute("SELECT 1 FROM ledger LIMIT 1").fetchone() is None
    except (sqlite3.Error, OSError, DamagedRun) as error:
        return "no such table" in str(error)  # anything else is damage, and to be seen


def _unsealed(name: str, option: str | None) -> Path | None:
    for folder in (Path(name), runs_folder(option) / name):
        with contextlib.suppress(OSError, ValueError):
            if (folder / "run.db").exists() and _is_unsealed(folder):
                return folder.resolve()
    return None


def sealed_at(run: Path) -> float:
    """When the run was sealed, in seconds since the epoch; 0 where nobody can tell."""
    try:
        return (run / "roadmap.toml").stat().st_mtime
    except OSError:
        return 0.0
