"""The home screen: the roadmaps of this folder and the runs, kept up to date while it is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.home import FoundRoadmap, Home, HomeFrame
from staycourse_tui.keys import HOME_KEYS, LEAVE_HOME, STOPPING
from staycourse_tui.messages import OpenRun, RoadmapsRead, RunsRead, Scrolled
from staycourse_tui.panes.run_details import why_closed
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.home import LISTS, PANES, HomeState, draw, paths_of, roadmap_at, run_at, settled
from staycourse_tui.repeater import Repeater
from staycourse_tui.screens.base import PaneScreen
from staycourse_tui.screens.help import HelpScreen

_ROADMAPS_EVERY, _RUNS_EVERY, _RUNS_SOON = 5.0, 2.0, 0.3
_LOCKED = "nothing is stopped or deleted from here: rules end trials; staycourse abandon gives a run up"
_LOCKED_SHORT = "nothing is stopped from here: rules end trials"


class HomeScreen(PaneScreen):
    """Asks for roadmaps and runs on a thread each, as long as no other screen covers it."""

    PANES = ("header", *PANES, "footer")
    BINDINGS: ClassVar[list[BindingType]] = [*(key.binding() for key in HOME_KEYS), STOPPING.binding()]

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home
        self.frame = HomeFrame(home.place, datetime.now(UTC))
        self.state = HomeState()
        self._pages: dict[str, int] = {}
        self._asking = (
            Repeater("roadmaps", self._read_roadmaps, self.post_message, lambda: _ROADMAPS_EVERY),
            Repeater("runs", self._read_runs, self.post_message, self._until_runs),
        )

    def picture(self, columns: int, rows: int) -> Picture:
        self.frame = replace(self.frame, now=datetime.now(UTC))
        drawn = draw(self.frame, self.state, (columns, rows))
        # A focus, a list and lines that nobody has chosen are found anew each time.
        self.state = replace(self.state, tops=drawn.state.tops, down=drawn.state.down)
        self._pages = drawn.pages
        return drawn.picture

    def on_mount(self) -> None:
        for asking in self._asking:
            asking.start()

    def on_unmount(self) -> None:
        for asking in self._asking:
            asking.stop()

    def on_screen_suspend(self) -> None:
        for asking in self._asking:
            asking.rest()

    def on_screen_resume(self) -> None:
        for asking in self._asking:
            asking.go_on()

    def on_roadmaps_read(self, message: RoadmapsRead) -> None:
        self._asking[0].taken()
        found = self.frame.roadmaps if message.roadmaps is None else message.roadmaps
        self.frame = replace(self.frame, roadmaps=found, roadmaps_failure=message.failure)
        self.redraw()

    def on_runs_read(self, message: RunsRead) -> None:
        self._asking[1].taken()
        found = self.frame.runs if message.runs is None else message.runs
        self.frame = replace(self.frame, runs=found, runs_failure=message.failure)
        self.redraw()

    def on_scrolled(self, message: Scrolled) -> None:
        if message.pane == "details":
            self._set(down=max(0, self.state.down + message.lines))
        elif message.pane in LISTS:
            self._focus(message.pane)
            self.action_move(message.lines)

    def action_focus_pane(self, pane: str) -> None:
        self._focus(pane)

    def action_next_pane(self, step: int) -> None:
        at = PANES.index(self._settled().focus)
        self._focus(PANES[(at + step) % len(PANES)])

    def action_calm(self) -> None:
        """From the details back to their list; anywhere else only the message goes."""
        if self.state.focus == "details":
            self._focus(self.state.list)
        else:
            self._set(message="")

    def action_move(self, step: int) -> None:
        state = self._settled()
        if state.focus == "details":
            self._set(down=max(0, state.down + step))
            return
        paths, which = paths_of(self.frame, state.focus), LISTS.index(state.focus)
        chosen = state.chosen[which]
        if chosen in paths:
            self._choose(which, min(len(paths) - 1, max(0, paths.index(chosen) + step)))

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self._pages.get(self._settled().focus, 2) - 1))

    def action_end(self, step: int) -> None:
        self.action_move(step * 10**9)

    def action_pick(self, pane: str, at: int) -> None:
        """A click on a line chooses it; one on the line that is chosen opens it."""
        state, which = self._settled(), LISTS.index(pane)
        paths = paths_of(self.frame, pane)
        if at >= len(paths):
            return
        if state.list == pane and state.chosen[which] == paths[at]:
            self.action_open()
        else:
            self._focus(pane)
            self._choose(which, at)

    def action_open(self) -> None:
        """Open what the cursor is at, or say why it cannot be opened."""
        if not self.is_uppermost:
            return
        state = self._settled()
        self.state = state
        if state.list == "roadmaps":
            found = roadmap_at(self.frame, state)
            if found is not None:
                from staycourse_tui.screens.check import CheckScreen

                self.app.push_screen(CheckScreen(self._home, found.path))
            return
        run = run_at(self.frame, state)
        if run is None:
            return
        if run.is_readable:
            self.post_message(OpenRun(run.folder))
        else:
            self._set(message=why_closed(run))

    def action_refuse(self) -> None:
        self._set(message=_LOCKED if self.size.width >= len(_LOCKED) else _LOCKED_SHORT)

    def action_copy_screen(self) -> None:
        super().action_copy_screen()
        self._set(message="copied: what this screen shows, as text")

    def action_help(self) -> None:
        title = "staycourse: the roadmaps of this folder, and the runs"
        self.app.push_screen(HelpScreen((*HOME_KEYS, STOPPING, LEAVE_HOME), title))

    def _settled(self) -> HomeState:
        return settled(self.frame, self.state)

    def _focus(self, pane: str) -> None:
        state = self._settled()
        shown = pane if pane in LISTS else state.list
        down = state.down if shown == state.list else 0
        self.state = state
        self._set(focus=pane, list=shown, down=down, message="")

    def _choose(self, which: int, at: int) -> None:
        """The cursor at a line of a list."""
        state = self._settled()
        chosen = list(state.chosen)
        chosen[which] = paths_of(self.frame, LISTS[which])[at]
        down = state.down if chosen[which] == state.chosen[which] else 0
        self.state = state
        self._set(chosen=(chosen[0], chosen[1]), down=down, message="")

    def _set(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]  # names are the state's own
        self.redraw()

    def _read_roadmaps(self) -> RoadmapsRead:
        try:
            return RoadmapsRead(tuple(FoundRoadmap.of(path, read) for path, read in self._home.roadmaps()))
        except Exception as error:  # shown here, or it would be lost with the thread
            return RoadmapsRead(None, f"the roadmaps cannot be listed: {error or type(error).__name__}")

    def _read_runs(self) -> RunsRead:
        try:
            return RunsRead(tuple(self._home.runs()))
        except Exception as error:  # shown here, or it would be lost with the thread
            return RunsRead(None, f"the runs cannot be listed: {error or type(error).__name__}")

    def _until_runs(self) -> float:
        """Seconds until the runs are asked for again: soon where some of them were not read so far."""
        is_reading = any(run.status == "unread" and not run.unanswered for run in self.frame.runs or ())
        return _RUNS_SOON if is_reading else _RUNS_EVERY
