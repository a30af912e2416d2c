"""The terminal, made safe against what tmux and hang-ups do to it."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
from codecs import getincrementaldecoder

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

# A mouse report in the old X10 form: three bytes that may be anything, also letters that are keys here.
_X10 = re.compile(rb"\x1b\[M.{3}", re.DOTALL)
_BEGUN = re.compile(rb"\x1b\[(M.{0,2})?\Z", re.DOTALL)


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
    """Ends the app at once on a hang-up, whatever was inherited, and reads through InputFilter.

    tmux may send X10 mouse reports to a view that is attached again (Textual issue 6668); as text they
    raise UnicodeDecodeError or, worse, press keys. With SIGHUP ignored, as under nohup, reading from the
    terminal that is gone would spin.
    """

    def start_application_mode(self) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual has no annotation here

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
        """What was typed; a terminal that is gone ends the process."""
        try:
            data = os.read(self.fileno, 4096)
        except OSError:
            data = b""
        if not data:
            os.kill(os.getpid(), signal.SIGHUP)
        return data
