"""The main screen: a run, live."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.frames import Frame
from staycourse_tui.keys import RUN_KEYS
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.run import PANES, ViewState, draw, listed_phase
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.session import Session
from staycourse_tui.terminal_app import TerminalApp


class RunScreen(RunView[ViewState]):
    """Shows one run; Enter and the numbers lead to the other screens."""

    KEYS = RUN_KEYS
    PANES = (
        "header", "banner", "devices", "slowdowns", "queue", "trial", "trials", "curves", "train", "machine",
        "loader", "log", "footer",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in RUN_KEYS]

    def __init__(self, session: Session, has_home: bool = False) -> None:
        """`has_home`: whether a screen below is one to go back to."""
        super().__init__(session, ViewState())
        self._has_home = has_home

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        told = self.told(log_axis=self.session.log_axis, x_axis=self.session.x_axis)
        drawn = draw(frame, told, (columns, rows))
        self.state, self.page = drawn.state, drawn.page
        return drawn.picture

    def on_mount(self) -> None:
        self.session.start()
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        self.session.stop()
        if isinstance(self.app, TerminalApp):
            self.app.tell_no_more()

    def _tick(self) -> None:
        """A read that does not come back must not leave a picture that looks like now."""
        if self.session.tick():
            views = [screen for screen in self.app.screen_stack if isinstance(screen, RunView)]
            views[-1].redraw()

    def scrolled(self, pane: str, lines: int) -> None:
        if pane in PANES and pane not in (self.state.focus, "curves"):
            self.change(focus=pane)
        self.action_move(lines)

    def action_focus_pane(self, pane: str) -> None:
        """Go to a pane; from the pane itself to its own screen."""
        if pane == self.state.focus and pane in ("trials", "log"):
            self.action_all_trials() if pane == "trials" else self.action_whole_log()
            return
        self.change(focus=pane, full=False)

    def action_open(self) -> None:
        """Open what the cursor is at."""
        if self.state.focus == "log":
            self.action_whole_log()
        elif self.state.focus == "queue":
            self.change(focus="trials")
        elif self.frame is not None and self.frame.focus is not None:
            from staycourse_tui.screens.trial import TrialScreen

            self.app.push_screen(TrialScreen(self.session, self.frame.focus))

    def action_all_trials(self) -> None:
        from staycourse_tui.screens.trials import TrialsScreen

        self.app.push_screen(TrialsScreen(self.session))

    def action_filter(self) -> None:
        from staycourse_tui.screens.trials import TrialsScreen

        self.app.push_screen(TrialsScreen(self.session, is_filtering=True))

    def action_whole_log(self) -> None:
        from staycourse_tui.screens.log import LogScreen

        self.app.push_screen(LogScreen(self.session))

    def action_report(self) -> None:
        from staycourse_tui.screens.report import ReportScreen

        self.app.push_screen(ReportScreen(self.session))

    def action_mark(self) -> None:
        if self.frame is not None and self.frame.focus is not None:
            self.session.mark(self.frame.focus)
            self.redraw()

    def action_next_pane(self, step: int) -> None:
        at = (PANES.index(self.state.focus) + step) % len(PANES)
        self.change(focus=PANES[at], full=False)

    def action_move(self, step: int) -> None:
        state = self.state
        if state.focus == "queue":
            self.change(down=max(0, state.down + step))
        elif state.focus == "log":
            self.change(up=max(0, state.up - step))
        else:
            self._select_by(step)

    def action_phase(self, step: int) -> None:
        """List the trials of another phase."""
        if self.frame is not None:
            self._list(listed_phase(self.frame, self.state) + step)

    def action_list_phase(self, phase: int) -> None:
        """A click on a phase: its trials."""
        if self._list(phase):
            self.change(focus="trials")

    def action_pick(self, trial: str) -> None:
        self._select(trial)

    def action_follow(self) -> None:
        """Back to what the screen showed at first; from there to where the run was opened."""
        at_first = self.session.request.selected is None and not (self.state.full or self.state.up)
        self.session.say("")
        self.change(phase=None, full=False, up=0, down=0)
        self._select(None)
        if at_first and self._has_home:
            self.go_back()

    def action_full(self) -> None:
        self.change(full=not self.state.full, focus="curves")

    def _select_by(self, step: int) -> None:
        ids = self._listed()
        if not ids or self.frame is None:
            return
        at = ids.index(self.frame.focus) if self.frame.focus in ids else len(ids) - 1
        self._select(ids[min(len(ids) - 1, max(0, at + step))])

    def _list(self, phase: int) -> bool:
        """List the trials of a phase, if it has any."""
        if self.frame is None or not 0 <= phase < len(self.frame.snapshot.phases):
            return False
        trials = self.frame.snapshot.of_phase(phase)
        if trials:
            self.change(phase=phase, top=0)
            self._select(trials[-1].id)
        return bool(trials)

    def _listed(self) -> tuple[str, ...]:
        if self.frame is None:
            return ()
        phase = listed_phase(self.frame, self.state)
        return tuple(view.id for view in self.frame.snapshot.of_phase(phase))

    def _select(self, trial: str | None) -> None:
        self.session.select(trial)
        self.redraw()
