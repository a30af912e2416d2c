"""All trials of a run: sorted by any column, filtered, compared."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType

from staycourse.client import TrialView
from staycourse_tui.frames import Frame
from staycourse_tui.keys import TRIALS_KEYS
from staycourse_tui.panes.all_trials import Listing, Order, listing
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.trials import TrialsState, draw_trials
from staycourse_tui.screens.run_view import FilteredView
from staycourse_tui.session import Session


class TrialsScreen(FilteredView[TrialsState]):
    """The table; Enter opens a trial. With `is_filtering` the filter is typed at once."""

    KEYS = TRIALS_KEYS
    PANES = ("header", "table", "beside", "footer")
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in TRIALS_KEYS]

    def __init__(self, session: Session, is_filtering: bool = False) -> None:
        focus = session.frame.focus if session.frame else None
        super().__init__(session, TrialsState(cursor=focus, is_filtering=is_filtering))
        self._listed: tuple[tuple[TrialView, ...], Order, Listing] | None = None

    @property
    def filter(self) -> str:
        return self.state.order.filter

    def set_filter(self, text: str) -> None:
        self._order(filter=text)

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        marked = replace(frame, marked=self.session.marked)
        drawn = draw_trials(marked, self.listed(frame), self.told(), (columns, rows))
        self.state, self.page = replace(self.state, top=drawn.top), drawn.page
        return drawn.picture

    def listed(self, frame: Frame) -> Listing:
        """The trials in order; made anew only where they or the order have changed."""
        trials, order = frame.snapshot.trials, self.state.order
        if self._listed is None or self._listed[0] is not trials or self._listed[1] != order:
            self._listed = (trials, order, listing(frame, order))
        return self._listed[2]

    def action_open(self) -> None:
        if self.state.cursor is not None:
            from staycourse_tui.screens.trial import TrialScreen

            self.app.push_screen(TrialScreen(self.session, self.state.cursor))

    def action_move(self, step: int) -> None:
        if self.frame is None:
            return
        ids = [view.id for view in self.listed(self.frame).trials]
        if ids:
            at = ids.index(self.state.cursor) if self.state.cursor in ids else 0
            self.change(cursor=ids[min(len(ids) - 1, max(0, at + step))])

    def action_pick(self, trial: str) -> None:
        """A click: the cursor goes to a row, from there to the trial."""
        if trial == self.state.cursor:
            self.action_open()
        else:
            self.change(cursor=trial)

    def action_column(self, step: int) -> None:
        """Move the cursor of columns."""
        if self.frame is not None:
            columns = self.listed(self.frame).columns
            at = columns.index(self.state.order.column) if self.state.order.column in columns else 0
            self._order(column=columns[min(len(columns) - 1, max(0, at + step))])

    def action_sort(self) -> None:
        """Sort by the column with the cursor, then the other way round."""
        self.action_sort_by(self.state.order.column)

    def action_sort_by(self, column: str) -> None:
        order = self.state.order
        self._order(by=column, column=column, is_falling=order.by == column and not order.is_falling)

    def action_mark(self) -> None:
        if self.state.cursor is not None:
            self.session.mark(self.state.cursor)
            self.redraw()

    def action_compare(self) -> None:
        if len(self.session.marked) < 2:
            self.session.say("mark two trials or more with m: they are shown side by side")
        self.change(compares=not self.state.compares or len(self.session.marked) < 2)

    def _order(self, **changes: object) -> None:
        """Sort or filter anew; the cursor is always at a trial that is listed, if there is any."""
        order = replace(self.state.order, **changes)  # type: ignore[arg-type]  # names are Order's own
        self.state = replace(self.state, order=order)
        if self.frame is not None:
            ids = [view.id for view in self.listed(self.frame).trials]
            if ids and self.state.cursor not in ids:
                self.state = replace(self.state, cursor=ids[0])
        self.redraw()
