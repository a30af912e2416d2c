"""The terminal, made safe against what tmux, hang-ups, signals and a reader that does not read do to it."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from types import FrameType
from typing import Any

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from staycourse_tui.job_control import has_shell, is_in_front, stop_group
from staycourse_tui.writer import Writer

# A mouse report in the old X10 form: three bytes that may be anything, also letters that are keys here.
_X10 = re.compile(rb"\x1b\[M.{3}", re.DOTALL)
_BEGUN = re.compile(rb"\x1b\[(M.{0,2})?\Z", re.DOTALL)
_LEAVING = (signal.SIGTERM, signal.SIGINT)
_LONG_STALL = 5.0  # seconds


class InputFilter:
    """Bytes from the terminal to text: old mouse reports are taken out, also where a read cuts them, and
    bytes that are no UTF-8 do not raise. An escape key alone is let through at once."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._rest = b""

    def feed(self, data: bytes) -> str:
        """The text so far; what may be half a mouse report waits for the next call."""
        plain = _X10.sub(b"", self._rest + data)
        begun = _BEGUN.search(plain)
        self._rest = begun[0] if begun else b""
        return self._decode(plain[: begun.start()] if begun else plain)


class TerminalDriver(LinuxDriver):
    """Nothing that the terminal does makes the app wait, and the terminal is given back whatever ends it.

    - A terminal that does not read: what is drawn waits in a `Writer`, and as long as it does, nothing more
      is drawn. Once the terminal has caught up, what has changed since is drawn in one go.
    - A hang-up ends the app at once, whatever was inherited: with SIGHUP ignored, as under nohup, reading
      from the terminal that is gone would spin.
    - SIGTERM and SIGINT leave the view.
    - Old mouse reports are filtered. tmux may send them to a view that is attached again (Textual issue
      6668); as text they raise UnicodeDecodeError or, worse, press keys.
    - The terminal's attributes are set back last of all, so that a terminal in the state in which it was
      found is one that has been given back.
    """

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
        # As Textual does, on standard error; on standard output where that one goes to a file.
        files = (sys.__stderr__, sys.__stdout__)
        self._output = next((file.fileno() for file in files if file is not None and file.isatty()), 2)
        self._writer: Writer | None = None
        self._is_up = self._is_hurried = False
        self._hold = contextlib.ExitStack()
        self._held: tuple[float, Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self._at_the_end: list[Callable[[], object]] = []

    @property
    def can_suspend(self) -> bool:
        return has_shell()

    def start_application_mode(self) -> None:
        self._await_foreground()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self._handlers = {number: signal.signal(number, self._told_to_leave) for number in _LEAVING}
        self._writer = Writer(self._output, self._soon(self._hold_back), self._soon(self._go_on))
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual has no annotation here
        if self._writer_thread is not None:
            self._writer_thread.stop()  # ours is used instead
            self._writer_thread = None
        self._is_up = True

    def stop_application_mode(self) -> None:
        if not self._is_up or self._writer is None:
            return
        self._is_up = False
        attributes, self.attrs_before = self.attrs_before, None
        for call in self._at_the_end:
            call()
        if self._mouse_pixels:
            self.write("\x1b[?1016l")  # or the next program's mouse would be told in pixels
        super().stop_application_mode()
        if not self._writer.drain(lambda: self._is_hurried):
            os._exit(128 + signal.SIGTERM)  # nobody reads: neither this nor a last word would be seen
        with contextlib.suppress(OSError, termios.error):
            # In the background another process, the shell, has set them as it needs them.
            if attributes is not None and is_in_front(self.fileno):
                termios.tcsetattr(self.fileno, termios.TCSANOW, attributes)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.drain(lambda: self._is_hurried)
            self._writer.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        super().close()

    def write(self, data: str) -> None:
        assert self._writer is not None, "the driver has not taken the terminal"
        self._writer.write(data)

    def at_the_end(self, call: Callable[[], object]) -> None:
        """Have this called each time before the terminal is given back, while it can still be written to."""
        self._at_the_end.append(call)

    def _soon(self, call: Callable[[], object]) -> Callable[[], None]:
        """The call as one that any thread can make; it is made on the event loop, if that still runs."""

        def ask() -> None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(call)

        return ask

    def _hold_back(self) -> None:
        """Draw nothing until the terminal has caught up: what changes is marked, and that alone."""
        if self._held is None:
            self._held = time.monotonic(), self._shape()
            self._hold.enter_context(self._app.batch_update())

    def _go_on(self) -> None:
        """Draw what has changed; all of it where that cannot be told, or where nobody can know what the
        terminal still shows."""
        if self._held is None:
            return
        (since, shape), self._held = self._held, None
        self._hold.close()
        if not self._app.is_running or not self._app.screen_stack:
            return
        if shape != self._shape() or time.monotonic() - since > _LONG_STALL:
            self._app.screen.refresh()
        self._app.screen.check_idle()

    def _shape(self) -> Any:
        return self._app.size, list(self._app.screen_stack)

    def _told_to_leave(self, _number: int, _frame: FrameType | None) -> None:
        self._is_hurried = True
        self._soon(self._app.exit)()

    def _sigtstp_application(self, *_: Any) -> None:
        """On the event loop, where nothing is being written meanwhile."""
        self._soon(self._suspend)()

    def _suspend(self) -> None:
        """Stop until the shell continues this process in the foreground."""
        if not self._auto_restart:  # somebody else has the terminal at the moment
            stop_group()
        elif self._is_up:
            self.suspend_application_mode()
            self._must_signal_resume = True
            stop_group()
            self.resume_application_mode()
            self._app.refresh()  # the terminal shows nothing of it any more

    def _await_foreground(self) -> None:
        """Stop for as long as the terminal is another's, after `bg` say, and there is a shell to go on."""
        with contextlib.suppress(OSError):
            while not is_in_front(self.fileno) and has_shell():
                stop_group()

    def _get_terminal_size(self) -> tuple[int, int]:
        """As the terminal says: COLUMNS and LINES in the environment are what they were at its start."""
        with contextlib.suppress(OSError, ValueError):
            size = os.get_terminal_size(self.fileno)
            if size.columns and size.lines:
                return size.columns, size.lines
        return super()._get_terminal_size()

    def run_input_thread(self) -> None:
        parser = XTermParser(self._debug)
        filter_ = InputFilter()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                text = ""
                if selector.select(0.1):
                    text = filter_.feed(self._read())
                for message in parser.feed(text) if text else ():
                    self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def _read(self) -> bytes:
        """What was typed; nothing in the background, and a terminal that is gone ends the process."""
        try:
            data = os.read(self.fileno, 4096)
        except OSError:
            data = b""
        if not data:
            with contextlib.suppress(OSError):
                if not is_in_front(self.fileno):
                    time.sleep(0.1)
                    return b""
            os.kill(os.getpid(), signal.SIGHUP)
        return data
