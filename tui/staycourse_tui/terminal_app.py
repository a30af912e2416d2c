"""An app that fits itself to the terminal it is on: its driver, its colours, its title."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace

from textual.app import App, ReturnType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter

from staycourse.client import Snapshot
from staycourse_tui import settings
from staycourse_tui.filters import line_filters
from staycourse_tui.outside import Outside
from staycourse_tui.theme import first_theme, has_few_colours, own_themes


class TerminalApp(App[ReturnType]):
    """Starts in the theme that was chosen last, and keeps the next one that is chosen.

    The class `-few-colours` is set where a shade of a background could not be seen.
    """

    def __init__(self) -> None:
        """Reads the settings, so it belongs before the event loop."""
        super().__init__()
        system = self.console.color_system
        for theme in own_themes(system):
            self.register_theme(theme)
        self.settings = settings.load()
        self.theme = first_theme(self.settings.theme, self.available_themes, os.environ)
        self._theme_kept = self.theme
        self.set_class(self.no_color or has_few_colours(system), "-few-colours")
        self._own_filters = line_filters(system, self.no_color)
        self._outside: Outside | None = None

    def get_driver_class(self) -> type[Driver]:
        chosen = super().get_driver_class()
        if chosen.__module__ == "textual.drivers.web_driver":
            from staycourse_tui.browser_driver import BrowserDriver

            return BrowserDriver
        if chosen is not LinuxDriver:
            return chosen
        from staycourse_tui.driver import TerminalDriver

        return TerminalDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._own_filters]

    def watch_theme(self, name: str) -> None:
        """A theme that is chosen while the app runs is kept, unless by a visitor with a browser."""
        if self.is_running and not self.is_web and name != self._theme_kept:
            self._theme_kept = name
            self.settings = replace(self.settings, theme=name)
            threading.Thread(target=lambda: settings.save(self.settings), daemon=True).start()

    def tell_outside(self, snapshot: Snapshot) -> None:
        """Have the window's title and notifications follow a run; nothing where there is no terminal."""
        if self._outside is None:
            self._outside = self._new_outside()
        if self._outside is not None:
            self._outside.show(snapshot)

    def tell_no_more(self) -> None:
        """No run is shown any more: the title is what it was before."""
        if self._outside is not None:
            self._outside.close()

    def _new_outside(self) -> Outside | None:
        from staycourse_tui.driver import TerminalDriver

        driver = self._driver
        if not isinstance(driver, TerminalDriver):
            return None
        driver.at_the_end(lambda: self._outside.close() if self._outside else None)
        return Outside(driver.write, os.environ, self.settings.notify)
