"""The terminal as it was found, so that it can be given back for an app that was killed."""

from __future__ import annotations

import contextlib
import os
import termios
import threading

# All that the app may have switched on, off again: an unfinished sequence is ended first; then held-back
# updates, colours, the mouse in all its forms, focus events, bracketed paste, reports of the size, the kitty
# keyboard (whose state belongs to the alternate screen), line wrap; that screen is left; cursor and title.
GIVE_BACK = (
    "\x1b\\\x1b[?2026l\x1b[0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"
    "\x1b[?2004l\x1b[?2048l\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[23;2t"
)
_PATIENCE = 2.0  # seconds
_IFLAG, _OFLAG, _LFLAG = 0, 1, 3


class Terminal:
    """Standard input and output, which are a terminal. Its attributes show who has it: the app takes the
    line discipline away first of all, and puts it back last of all."""

    def __init__(self) -> None:
        """Raises termios.error if there is no terminal."""
        self._input, self._output = 0, 1
        self._attributes = termios.tcgetattr(self._input)

    def is_given_back(self) -> bool:
        """Whether nothing is left to be put back; true as well of a terminal that is gone, or that another
        process has now."""
        try:
            attributes = termios.tcgetattr(self._input)
            is_ours = os.tcgetpgrp(self._input) == os.getpgrp()
        except (termios.error, OSError):
            return True
        taken = self._attributes[_LFLAG] & (termios.ICANON | termios.ECHO)
        return not is_ours or bool(attributes[_LFLAG] & taken == taken)

    def give_back(self) -> bool:
        """Put everything back; whether the terminal has read it all within some seconds."""
        is_read = self._write(GIVE_BACK)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._input, termios.TCSANOW, self._attributes)
            termios.tcflush(self._input, termios.TCIFLUSH)  # reports of the mouse, which nobody typed
        return is_read

    def mend(self) -> None:
        """Give back what an earlier app has kept, whatever the attributes look like now."""
        attributes = self._attributes
        attributes[_IFLAG] |= termios.BRKINT | termios.ICRNL | termios.IXON
        attributes[_OFLAG] |= termios.OPOST | termios.ONLCR
        attributes[_LFLAG] |= termios.ISIG | termios.ICANON | termios.IEXTEN
        attributes[_LFLAG] |= termios.ECHO | termios.ECHOE | termios.ECHOK
        self.give_back()

    def _write(self, text: str) -> bool:
        """On a thread, for a terminal may not read."""
        writing = threading.Thread(target=self._put, args=(text.encode(),), daemon=True)
        writing.start()
        writing.join(_PATIENCE)
        return not writing.is_alive()

    def _put(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._output, data) :]
