"""Screens as text in files: compared with what was stored, or stored anew."""

from __future__ import annotations

import asyncio
import difflib
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.screen_text import shown
from textual.pilot import Pilot

SIZES = ((60, 16), (80, 24), (120, 30), (160, 48))
_LOOK = 0.02  # seconds between two looks at the screen
_STILL = 0.8  # seconds without a change after which nothing is coming any more
_PATIENCE = 10.0  # seconds that a screen has to become what is stored


@dataclass
class Album:
    """The pictures of a folder, a file each with all sizes below each other. `differences` collects what a
    screen did not show as it is stored; `is_updating` stores it instead."""

    folder: Path
    is_updating: bool
    differences: list[str] = field(default_factory=list)

    async def take(self, pilot: Pilot[Path | None], name: str) -> None:
        """Show the app at every size and compare it with the picture of that name."""
        file = self.folder / f"{name}.txt"
        stored = {} if self.is_updating or not file.exists() else _parts(file.read_text(encoding="utf-8"))
        taken = {}
        for size in SIZES:
            await pilot.resize_terminal(*size)
            heading = f"{size[0]}x{size[1]}"
            taken[heading] = await self._settled(pilot, stored.get(heading), size)
        if self.is_updating:
            self.folder.mkdir(exist_ok=True)
            file.write_text(_text(taken), encoding="utf-8")
        elif taken != stored:
            self.differences.append(_difference(name, _text(stored), _text(taken)))

    def check(self) -> None:
        """Fail with all that differs."""
        how = "a difference that is meant is stored with --update-snapshots"
        assert not self.differences, "\n\n".join([*self.differences, how])

    async def _settled(self, pilot: Pilot[Path | None], wanted: str | None, size: tuple[int, int]) -> str:
        """The screen once it is what is stored, else once it stands still."""
        # A slow machine may take its time for the first picture; once one is wrong, nobody waits for others.
        patience = _STILL if wanted is None or self.differences else _PATIENCE
        before, since = "", time.monotonic()
        while True:
            rows = shown(pilot.app).splitlines()
            said = "\n".join(row.rstrip() for row in rows)
            if said != before:
                before, since = said, time.monotonic()
            if said == wanted or time.monotonic() - since >= patience:
                assert [len(row) for row in rows] == [size[0]] * size[1], said
                return said
            await asyncio.sleep(_LOOK)


def _parts(text: str) -> dict[str, str]:
    """The screens of a file by their size."""
    pieces = re.split(r"^\[(\d+x\d+)\]\n", text, flags=re.MULTILINE)[1:]
    return {
        size: "\n".join(screen.split("\n")[: int(size.split("x")[1])])
        for size, screen in zip(pieces[::2], pieces[1::2], strict=True)
    }


def _text(parts: dict[str, str]) -> str:
    return "\n".join(f"[{size}]\n{screen}\n" for size, screen in parts.items())


def _difference(name: str, stored: str, taken: str) -> str:
    if not stored:
        return f"{name}.txt is not stored"
    lines = difflib.unified_diff(
        stored.splitlines(), taken.splitlines(), f"{name}.txt as stored", "as shown", lineterm="", n=2
    )
    return "\n".join(lines)
