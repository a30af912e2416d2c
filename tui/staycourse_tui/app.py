"""The app: opens on the roadmaps and runs of a folder, on a plan to be sealed, or on a run; it leaves
without touching any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from staycourse_tui.home import Home
from staycourse_tui.messages import Checked, OpenRun, Polled, PollFailed, Sealed
from staycourse_tui.offer import Offer
from staycourse_tui.terminal_app import TerminalApp

if TYPE_CHECKING:
    from staycourse_tui.screens.run_view import RunView


class StaycourseApp(TerminalApp[Path | None]):
    """With `run` the view of that run; with `offer` the plan screen, and the run once it is sealed; with
    `home` roadmaps and runs, from which plans and runs are opened.

    `run_folder` is the run that was open last, None if there was none; `run()` returns it where the app was
    left in its view. `opened` is called with each run that is opened.
    """

    CSS_PATH = "styles.tcss"
    TITLE = "staycourse"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,d", "leave", "Leave this view", show=False),
        Binding("ctrl+q", "leave", "Leave this view", show=False, priority=True),
        Binding("ctrl+c", "copy_or_leave", "Leave this view", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Stop this view; the run goes on", show=False, priority=True),
    ]

    def __init__(
        self,
        run: Path | None = None,
        offer: Offer | None = None,
        home: Home | None = None,
        opened: Callable[[Path], None] = lambda run: None,
    ) -> None:
        super().__init__()
        self.run_folder = run
        self._offer = offer
        self._home = home
        self._opened = opened

    def get_default_screen(self) -> Screen[object]:
        if self.run_folder is not None:
            return self._run_screen(self.run_folder)
        if self._home is not None:
            from staycourse_tui.screens.home import HomeScreen

            return HomeScreen(self._home)
        assert self._offer is not None, "the app needs a run, an offer or a home"
        from staycourse_tui.screens.plan import PlanScreen

        return PlanScreen(self._offer)

    def open_run(self, folder: Path, has_home: bool = False) -> None:
        """Show a run on top of what is shown; `has_home` if esc may lead back."""
        self.run_folder = folder
        self._opened(folder)
        while isinstance(self.screen, ModalScreen):
            self.pop_screen()
        self.push_screen(self._run_screen(folder, has_home))  # a default screen cannot be switched

    def _go_home(self) -> None:
        """Close all that was opened from the home screen."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def _run_screen(self, folder: Path, has_home: bool = False) -> Screen[object]:
        from staycourse_tui.screens.run import RunScreen
        from staycourse_tui.session import Session

        return RunScreen(Session(folder, self.post_message), has_home)

    def on_open_run(self, message: OpenRun) -> None:
        """A run was chosen on the home screen; with a key pressed twice, twice."""
        if len(self.screen_stack) == 1:
            self.open_run(message.folder, has_home=True)

    def on_checked(self, message: Checked) -> None:
        """A roadmap stands the check: its plan takes the check's place."""
        from staycourse_tui.screens.plan import PlanScreen

        self._go_home()
        self.push_screen(PlanScreen(message.offer, has_home=True))

    def on_sealed(self, message: Sealed) -> None:
        """The offer has become a run."""
        if self._home is not None:
            self._go_home()
        self.open_run(message.folder, has_home=self._home is not None)

    def on_polled(self, message: Polled) -> None:
        """A run was read: the uppermost of its screens shows it."""
        if (screen := self._view_of(message.source)) is not None:
            screen.session.take(message.frame)
            self.tell_outside(message.frame.snapshot)
            screen.redraw()

    def on_poll_failed(self, message: PollFailed) -> None:
        if (screen := self._view_of(message.source)) is not None:
            screen.session.fail(message.reason)
            screen.redraw()

    def _view_of(self, source: object) -> RunView[Any] | None:
        """The uppermost screen of the run that this reader reads, None where it is open no more."""
        from staycourse_tui.screens.run_view import RunView

        views = (screen for screen in reversed(self.screen_stack) if isinstance(screen, RunView))
        return next((view for view in views if view.session.reads_by(source)), None)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Leave", "Leave this view; the run goes on", self.action_leave)
        yield SystemCommand("Screenshot", "Save this screen as SVG", self.deliver_screenshot)
        commands = getattr(screen, "commands", None)
        if commands is not None:
            yield from commands()

    def action_leave(self) -> None:
        """Leave; whatever runs goes on."""
        from staycourse_tui.screens.run_view import RunView

        is_home = self._home is not None and not any(
            isinstance(screen, RunView) for screen in self.screen_stack
        )
        self.exit(None if is_home else self.run_folder)

    def action_copy_or_leave(self) -> None:
        """Copy what the mouse has marked; leave where nothing is marked."""
        marked = self.screen.get_selected_text()
        if marked:
            self.copy_to_clipboard(marked)
            self.screen.clear_selection()
        else:
            self.action_leave()
