"""All trials of a run: sorted by any column, filtered, compared."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from staycourse.client import TrialView
from staycourse_tui.frames import Frame
from staycourse_tui.keys import TRIALS_KEYS
from staycourse_tui.messages import Scrolled
from staycourse_tui.panes.all_trials import Listing, Order, listing
from staycourse_tui.pictures.framing import Picture
from staycourse_tui.pictures.trials import TrialsState, draw_trials
from staycourse_tui.screens.run_view import RunView
from staycourse_tui.session import Session
from staycourse_tui.widgets.filter_input import FilterInput


class TrialsScreen(RunView):
    """The table; Enter opens a trial. With `is_filtering` the filter is typed at once."""

    KEYS = TRIALS_KEYS
    PANES = ("header", "table", "beside", "footer")
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in TRIALS_KEYS]

    def __init__(self, session: Session, is_filtering: bool = False) -> None:
        super().__init__(session)
        focus = session.frame.focus if session.frame else None
        self.state = TrialsState(cursor=focus, is_filtering=is_filtering)
        self._input = FilterInput()
        self._page = 1
        self._listed: tuple[tuple[TrialView, ...], Order, Listing] | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._input

    def on_mount(self) -> None:
        super().on_mount()
        if self.state.is_filtering:
            self._input.open_at(self.size.height - 1, self.state.order.filter)

    def on_resize(self) -> None:
        super().on_resize()
        if self.state.is_filtering:
            self._input.place(self.size.height - 1)

    def draw(self, frame: Frame, columns: int, rows: int) -> Picture:
        session = self.session
        shared = replace(self.state, frozen=session.frozen, unread=session.unread, message=session.message)
        drawn = draw_trials(
            replace(frame, marked=session.marked), self.listed(frame), shared, (columns, rows)
        )
        self.state, self._page = replace(self.state, top=drawn.top, cursor=shared.cursor), drawn.page
        return drawn.picture

    def listed(self, frame: Frame) -> Listing:
        """The trials in order; made anew only where they or the order have changed."""
        trials, order = frame.snapshot.trials, self.state.order
        if self._listed is None or self._listed[0] is not trials or self._listed[1] != order:
            self._listed = (trials, order, listing(frame, order))
        return self._listed[2]

    def on_scrolled(self, message: Scrolled) -> None:
        self.action_move(message.lines)

    def on_input_changed(self, message: Input.Changed) -> None:
        self._order(filter=message.value)

    def on_input_submitted(self) -> None:
        self._close_filter()

    def action_filter(self) -> None:
        self._change(is_filtering=True)
        self._input.open_at(self.size.height - 1, self.state.order.filter)

    def action_back(self) -> None:
        """From the filter to the table, from a filtered table to all trials, then to the screen before."""
        if self.state.is_filtering or self.state.order.filter:
            self._close_filter()
            self._input.value = ""
            self._order(filter="")
        else:
            super().action_back()

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
            self._change(cursor=ids[min(len(ids) - 1, max(0, at + step))])

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self._page - 1))

    def action_end(self, step: int) -> None:
        self.action_move(step * 10**9)

    def action_pick(self, trial: str) -> None:
        """A click: the cursor goes to a row, from there to the trial."""
        if trial == self.state.cursor:
            self.action_open()
        else:
            self._change(cursor=trial)

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

    def action_unmark(self) -> None:
        self.session.unmark()
        self.redraw()

    def action_compare(self) -> None:
        if len(self.session.marked) < 2:
            self.session.say("mark two trials or more with m: they are shown side by side")
        self._change(compares=not self.state.compares or len(self.session.marked) < 2)

    def _close_filter(self) -> None:
        self._input.close()
        self._change(is_filtering=False)

    def _order(self, **changes: object) -> None:
        """Sort or filter anew; the cursor is always at a trial that is listed, if there is any."""
        order = replace(self.state.order, **changes)  # type: ignore[arg-type]  # names are Order's own
        self.state = replace(self.state, order=order)
        if self.frame is not None:
            ids = [view.id for view in self.listed(self.frame).trials]
            if ids and self.state.cursor not in ids:
                self.state = replace(self.state, cursor=ids[0])
        self.redraw()

    def _change(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]  # names are the state's own
        self.redraw()
