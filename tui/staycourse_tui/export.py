"""`python -m staycourse_tui.export RUN OUT.svg --size 120x36`: the app's own picture of a run."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
from collections import Counter
from pathlib import Path

from textual.pilot import Pilot

from staycourse_tui.app import StaycourseApp
from staycourse_tui.screens.run import RunScreen

_BACKGROUND = re.compile(r'<rect fill="(#[0-9a-f]{6})"[^>]*shape-rendering="crispEdges"/>')
_SIDES = (r'width="([\d.]+)"', r'width="[\d.]+" height="([\d.]+)"')


async def picture(app: StaycourseApp, size: tuple[int, int], keys: tuple[str, ...] = ()) -> str:
    """The SVG that the app exports of itself at that size, after those keys."""
    async with app.run_test(size=size) as pilot:
        await _settle(app, pilot)
        if keys:
            await pilot.press(*keys)
            await _settle(app, pilot)
        return slim(app.export_screenshot(title="staycourse"))


def slim(svg: str) -> str:
    """The same picture in a third of its size, and without fonts from elsewhere: short names, no clipping of
    lines that fit, one background instead of one for each piece of text."""
    svg = re.sub(r"src: (local\([^)]*\)),[^;]*;", r"src: \1;", svg)
    svg = re.sub(r"\s*<clipPath id=\"[^\"]*-line-\d+\">.*?</clipPath>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\(#[^)]*-line-\d+\)"', "", svg)
    svg = re.sub(r"terminal-\d+-", "t", svg)
    pieces = _BACKGROUND.findall(svg)
    usual = Counter(pieces).most_common(1)[0][0]
    widest, lowest = (max(map(float, re.findall(rf'<rect x="0" y="0" {side}', svg))) for side in _SIDES)
    whole = f'<rect fill="{usual}" x="0" y="1.5" width="{widest}" height="{lowest}"/>'
    first = True

    def kept(found: re.Match[str]) -> str:
        nonlocal first
        made, first = whole if first else "", False
        return made + ("" if found[1] == usual else found[0])

    return _BACKGROUND.sub(kept, svg)


async def _settle(app: StaycourseApp, pilot: Pilot[Path | None]) -> None:
    """Wait for the first frame of a run, then for the drawing."""
    while isinstance(app.screen, RunScreen) and app.screen.frame is None:
        await pilot.pause(0.05)
    await pilot.pause(0.2)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(prog="python -m staycourse_tui.export", description=__doc__)
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("out", type=Path, help="the SVG file to write")
    parser.add_argument("--size", default="120x36", help="columns x rows (default: 120x36)")
    parser.add_argument("--keys", nargs="*", default=[], help="keys to press first, as Textual names them")
    parser.add_argument("--theme", help="one of Textual's themes")
    args = parser.parse_args()
    # A picture has all colours, whatever the terminal has from which it is ordered.
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    for name in ("NO_COLOR", "COLORFGBG"):
        os.environ.pop(name, None)
    columns, rows = (int(part) for part in args.size.split("x"))
    app = StaycourseApp(run=args.run.resolve())
    if args.theme:
        app.theme = args.theme
    svg = asyncio.run(picture(app, (columns, rows), tuple(args.keys)))
    args.out.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
