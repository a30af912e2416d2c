"""`python docs/pictures.py`: the pictures of the app, made by the app of runs that are made up.

Without names all of them, `docs/app.svg` and one a screen in `docs/app/`; `--out DIR` writes elsewhere. They
depend on neither the time nor the machine. Needs the extra `test`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "engine"), str(ROOT / "tui")]

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from staycourse_tui.app import StaycourseApp


@dataclass(frozen=True)
class Scene:
    """A picture: its file below docs/, which app it is taken of, after which keys, how many cells wide and
    high, and a word that is seen once it is complete."""

    file: str
    of: str
    keys: str
    size: tuple[int, int]
    word: str


SCENES = (
    Scene("app.svg", "run", "", (120, 36), "t38 running"),
    Scene("app/home.svg", "home", "2 down down", (120, 30), "winner"),
    Scene("app/check.svg", "home", "1 end enter", (120, 20), "2 errors"),
    Scene("app/plan.svg", "plan", "", (120, 36), "NOT SEALED YET"),
    Scene("app/seal.svg", "plan", "enter", (120, 36), "Seal digits?"),
    Scene("app/run.svg", "run", "", (150, 44), "t38 running"),
    Scene("app/trials.svg", "run", "a m up m up up m", (120, 36), "side by side"),
    Scene("app/trial.svg", "run", "enter", (120, 36), "epoch 31: "),
    Scene("app/log.svg", "run", "4 4", (120, 30), "120 events"),
    Scene("app/report.svg", "done", "5", (120, 36), "Tuning report"),
    Scene("app/help.svg", "run", "question_mark", (120, 36), "esc closes this help"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python docs/pictures.py", description=__doc__)
    names = {Path(scene.file).stem: scene for scene in SCENES}
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(names)}")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="the folder to write to (docs)")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in names]:
        parser.error(f"no picture is called {unknown[0]}; there are {', '.join(names)}")
    for name in options.names or names:
        out = options.out / names[name].file
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(asyncio.run(_taken(names[name])), encoding="utf-8")
        sys.stdout.write(f"{out}\n")


async def _taken(scene: Scene) -> str:
    """The picture of a scene."""
    from tests.support.screen_text import shown, until

    from staycourse_tui.export import slim

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        async with _APPS[scene.of](Path(folder)) as app, app.run_test(size=scene.size) as pilot:
            await until(pilot, lambda: _is_there(app, scene.of))
            await pilot.press(*scene.keys.split())
            await until(pilot, lambda: _is_there(app, scene.of) and scene.word in shown(app), seconds=30)
            await _stands_still(pilot)
            return slim(app.export_screenshot(title="staycourse"))


def _is_there(app: StaycourseApp, of: str) -> bool:
    """Whether everything that a screen asks for was read."""
    from tests.support.screen_text import is_read, shown

    if of == "home":
        return "torn.toml" in shown(app) and ("digits-1" in shown(app) or "errors" in shown(app))
    return of == "plan" or is_read(app)


async def _stands_still(pilot: Pilot[Path | None]) -> None:
    """Curves come with a read of their own: wait until no read has changed the screen any more."""
    from tests.support.screen_text import shown

    before = ""
    while before != shown(pilot.app):
        before = shown(pilot.app)
        await asyncio.sleep(1.2)


@contextlib.asynccontextmanager
async def _run(folder: Path, state: str = "running") -> AsyncIterator[StaycourseApp]:
    from tests.support.clocks import standing_clock
    from tests.support.sample_states import run_in, still

    from staycourse_tui.app import StaycourseApp

    with still(folder), run_in(state, folder / "runs") as run, standing_clock():
        yield StaycourseApp(run=run)


@contextlib.asynccontextmanager
async def _plan(folder: Path) -> AsyncIterator[StaycourseApp]:
    from tests.support.sample_states import offer, still

    from staycourse_tui.app import StaycourseApp

    with still(folder):
        yield StaycourseApp(offer=offer())


@contextlib.asynccontextmanager
async def _home(folder: Path) -> AsyncIterator[StaycourseApp]:
    from tests.support.clocks import standing_clock
    from tests.support.sample_run import ROADMAP
    from tests.support.sample_states import runs_in, still

    from staycourse.cli.home import home
    from staycourse_tui.app import StaycourseApp

    work = folder / "work"
    work.mkdir()
    os.chdir(work)
    (work / "digits.toml").write_text(ROADMAP, encoding="utf-8")
    (work / "torn.toml").write_text(ROADMAP.replace("trials = 6", "trial = 6"), encoding="utf-8")
    with still(folder), runs_in(work / "runs"), standing_clock():
        yield StaycourseApp(home=home(work / "runs"))


_APPS: dict[str, Callable[[Path], contextlib.AbstractAsyncContextManager[StaycourseApp]]] = {
    "run": _run,
    "done": lambda folder: _run(folder, "done"),
    "plan": _plan,
    "home": _home,
}

if __name__ == "__main__":
    main()
