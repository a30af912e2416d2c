"""A run in one short line: for the window's title and for a status bar. Pure."""

from __future__ import annotations

from rich.cells import cell_len

from staycourse.client import Snapshot
from staycourse.core.text import one_line
from staycourse_tui import formatting as fmt
from staycourse_tui.panes.header import GLYPHS, SILENT_AFTER
from staycourse_tui.widgets.lines import cell

LEAST_NAME = 4  # cells that are left of a name that does not fit


def status_line(snapshot: Snapshot, size: int) -> str:
    """`● digits-1 3/5 grid 38/49 ETA 31m` in at most `size` cells. Where that is too long the name is cut
    first, then what stands last is left out."""
    name = one_line(snapshot.name)
    parts = _parts(snapshot)
    glyph = GLYPHS[str(snapshot.status)][0]
    while True:
        rest = "".join(f" {part}" for part in parts)
        room = size - cell_len(f"{glyph} {rest}")
        if room >= min(LEAST_NAME, cell_len(name)) or not parts:
            break
        parts.pop()
    return cell(f"{glyph} {cell(name, min(cell_len(name), max(0, room)))}{rest}".strip(), size).rstrip()


def _parts(snapshot: Snapshot) -> list[str]:
    """What stands behind the name, the most important first."""
    word = [] if str(snapshot.status) == "running" else [str(snapshot.status)]
    if snapshot.status.is_over:
        return word
    return [*word, *_place(snapshot), *_time(snapshot)]


def _place(snapshot: Snapshot) -> list[str]:
    phase, total = snapshot.phase, len(snapshot.phases)
    if phase is None:
        return []
    begun = sum(view.status != "planned" for view in snapshot.trials)
    planned = sum(view.trials for view in snapshot.phases)
    return [f"{phase.index + 1}/{total} {phase.kind}", f"{begun}/{planned}"]


def _time(snapshot: Snapshot) -> list[str]:
    if not snapshot.is_engine_alive:
        return []
    if (age := snapshot.engine_age) is not None and age >= SILENT_AFTER:
        return [f"silent {fmt.age(age)}"]
    return [f"ETA {fmt.remaining(snapshot.eta.seconds)}"] if snapshot.eta else []
