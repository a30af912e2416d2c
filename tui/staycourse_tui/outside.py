"""What the app tells beyond its screen: the window's title, and a notification at a phase's end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from staycourse.client import PhaseView, Snapshot
from staycourse.core.narrative import WARNING
from staycourse.core.text import one_line
from staycourse_tui.line import status_line

_TITLE_CELLS, _NOTE_CHARACTERS = 80, 200
_TITLE_EVERY = 3.0  # seconds
_SAVE_TITLE, _RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
_ENDS = {
    "finished": "is finished",
    "failed": "could not be finished",
    "suspended": "is suspended",
    "abandoned": "was abandoned",
}


class Outside:
    """Tells of one run after the other; `write` takes text for the terminal, in order.

    Only what happens between two calls of `show` is told: never what was so when the view was opened.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        environ: Mapping[str, str],
        notify: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._environ, self._notify, self._clock = write, environ, notify, clock
        self._title: str | None = None
        self._titled_at = 0.0
        self._before: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Bring the title up to date, and tell of what has come to its end since the call before."""
        before, self._before = self._before, snapshot
        self._show_title(status_line(snapshot, _TITLE_CELLS))
        text = news(before, snapshot) if before is not None and before.name == snapshot.name else ""
        if text and self._notify:
            self._write(notification(text, self._environ))

    def close(self) -> None:
        """Give the title back that was there before; what happens from here on is not told."""
        self._before = None
        if self._title is not None:
            self._title = None
            self._write(_RESTORE_TITLE)

    def _show_title(self, text: str) -> None:
        now = self._clock()
        if text == self._title or (self._title is not None and now - self._titled_at < _TITLE_EVERY):
            return
        saved = _SAVE_TITLE if self._title is None else ""
        self._title, self._titled_at = text, now
        self._write(saved + title(text))


def title(text: str) -> str:
    """The sequence that sets the window's title."""
    return f"\x1b]2;{one_line(text)}\x07"


def notification(text: str, environ: Mapping[str, str]) -> str:
    """The sequence by which this terminal notifies its user; tmux and screen are asked to pass it on."""
    return _passed_on(_notification(one_line(text, _NOTE_CHARACTERS), environ), environ)


def _notification(text: str, environ: Mapping[str, str]) -> str:
    """OSC 777 where that is what a terminal knows, with a title of its own; OSC 9 anywhere else."""
    named = environ.get("TERM", "").startswith(("rxvt", "foot"))
    if named or any(environ.get(name) for name in ("VTE_VERSION", "KONSOLE_VERSION")):
        return f"\x1b]777;notify;staycourse;{text.replace(';', ',')}\x07"
    return f"\x1b]9;{text}\x07"


def _passed_on(sequence: str, environ: Mapping[str, str]) -> str:
    if environ.get("TMUX") or environ.get("TERM", "").startswith("tmux"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return f"\x1bP{sequence}\x1b\\" if environ.get("STY") else sequence


def news(before: Snapshot, now: Snapshot) -> str:
    """What has come to its end between two snapshots, empty if nothing has: the run itself, else the phase
    that closed last."""
    if now.status is not before.status and (end := _ENDS.get(str(now.status))):
        reason = f": {now.reason}" if now.reason else ""
        return f"{now.name} {end}{reason}"
    closed = {phase.index for phase in before.phases if phase.status == "done"}
    done = [phase for phase in now.phases if phase.status == "done" and phase.index not in closed]
    return f"{now.name}: {_closed(done[-1], len(now.phases))}" if done else ""


def _closed(phase: PhaseView, total: int) -> str:
    said = [line for line in phase.handed_on if not line.startswith(WARNING)]
    if count := len(phase.handed_on) - len(said):
        said.append(f"{count} warning{'s' if count > 1 else ''}")
    handed_on = "; ".join(said)
    return f"phase {phase.index + 1}/{total} {phase.kind} is done" + (f": {handed_on}" if handed_on else "")
