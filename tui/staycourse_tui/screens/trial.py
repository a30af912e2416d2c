"""One trial of a run in the whole window."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from staycourse_tui.frames import Frame
from staycourse_tui.keys import TRIAL_KEYS
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.trial import TrialState, draw_trial
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.session import Session


class TrialScreen(RunView[TrialState]):
    """The trial `trial`; what was in focus before it is so again when the screen is left."""

    KEYS = TRIAL_KEYS
    PANES = (
        "header",
        "slowdowns",
        "facts",
        "setup",
        "rules",
        "timings",
        "curves",
        "train",
        "output",
        "footer",
    )
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in TRIAL_KEYS]

    def __init__(self, session: Session, trial: str) -> None:
        super().__init__(session, TrialState())
        self._before = session.request.selected
        self._trial = trial

    def on_mount(self) -> None:
        self._show(self._trial)

    def on_unmount(self) -> None:
        self.session.ask(output_of=None)
        self.session.select(self._before)

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        session = self.session
        shown = replace(frame, focus=self._trial, marked=session.marked)
        told = self.told(log_axis=session.log_axis, x_axis=session.x_axis)
        drawn = draw_trial(shown, told, (columns, rows))
        self.state, self.page = replace(self.state, up=drawn.up), drawn.page
        return drawn.picture

    def action_step(self, step: int) -> None:
        """To the trial before or after."""
        if self.frame is None:
            return
        ids = [view.id for view in self.frame.snapshot.trials]
        at = ids.index(self._trial) + step if self._trial in ids else -1
        if 0 <= at < len(ids):
            self._show(ids[at])

    def action_full(self) -> None:
        self.change(whole="" if self.state.whole == "curves" else "curves")

    def action_output(self) -> None:
        self.change(whole="" if self.state.whole == "output" else "output")

    def action_back(self) -> None:
        if self.state.whole:
            self.change(whole="")
        else:
            super().action_back()

    def action_move(self, step: int) -> None:
        self.change(up=max(0, self.state.up - step))

    def action_mark(self) -> None:
        self.session.mark(self._trial)
        self.redraw()

    def _show(self, trial: str) -> None:
        self._trial = trial
        self.session.ask(output_of=trial)
        self.session.select(trial)
        self.change(up=0)
