"""A note of who has a terminal, so that the next view on it knows that the last one was killed with its
guardian, and nobody was left to give the terminal back."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from staycourse.record.files import write_atomically
from staycourse.record.paths import NoHome, state_folder


class TerminalMark:
    """A file in the user's state folder, named after the terminal. Where none can be written there is none,
    and everything else goes on."""

    def __init__(self) -> None:
        self._path: Path | None = None
        with suppress(OSError, NoHome):
            name = os.ttyname(0).strip("/").replace("/", "-")
            self._path = state_folder() / "terminals" / name

    def is_left(self) -> bool:
        """Whether this terminal, in this session of a shell, was taken by processes that are all gone."""
        with suppress(OSError, ValueError):
            if self._path is not None:
                session, *views = self._path.read_text(encoding="utf-8").split()
                is_alive = any(view == _named(int(view.partition(":")[0])) for view in views)
                return session == _named(os.getsid(0)) and not is_alive
        return False

    def put(self, *views: int) -> None:
        """Note the processes that have the terminal now."""
        with suppress(OSError):
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(self._path, " ".join(map(_named, (os.getsid(0), *views))) + "\n")

    def remove(self) -> None:
        with suppress(OSError):
            if self._path is not None:
                self._path.unlink()


def _named(pid: int) -> str:
    """A process's id and start, in ticks since boot: ids come round again, pairs do not. Empty if it is
    gone."""
    with suppress(OSError):
        # pid (command) state ...: the command may contain anything; the start is the twentieth field behind
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return f"{pid}:{int(fields[19])}" if fields[0] != b"Z" else ""
    return ""
