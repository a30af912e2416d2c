"""The browser's end of a view, made safe against a server or a page that is gone."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from textual.drivers.web_driver import WebDriver

_SECONDS_TO_END = 2.0


class BrowserDriver(WebDriver):
    """Textual's own reads no more when the server is gone and lets the app go on for ever; and where nobody
    reads what it draws any more, the app waits for ever and does not hear that it is to end."""

    _writing = threading.Lock()

    def write(self, data: str) -> None:
        with self._whole():
            super().write(data)

    def write_meta(self, data: dict[str, object]) -> None:
        with self._whole():
            super().write_meta(data)

    def write_binary_encoded(self, data: tuple[str | bytes, ...]) -> None:
        with self._whole():
            super().write_binary_encoded(data)

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():
            self.on_meta("quit", {})

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        if packet_type == "quit":
            last = threading.Timer(_SECONDS_TO_END, os._exit, (1,))
            last.daemon = True
            last.start()
        super().on_meta(packet_type, payload)

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """Open a link of the web; a script in a link's place is none."""
        if url.startswith(("https://", "http://")):
            super().open_url(url, new_tab)

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """One packet at a time: downloads are written by the thread that reads. A server that is gone is
        noticed there, not here."""
        with self._writing, contextlib.suppress(BrokenPipeError):
            yield
