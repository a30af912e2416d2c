"""Lines of JSON over a pipe, without ever blocking the loop that reads them."""

from __future__ import annotations

import json
import os
from typing import Any


class Outbox:
    """The writing end of a pipe. What a slow or stopped reader leaves no room for waits for `flush`."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor: int | None = descriptor
        self._left = b""

    def fileno(self) -> int:
        assert self._descriptor is not None
        return self._descriptor

    @property
    def is_behind(self) -> bool:
        """Whether something waits for room."""
        return bool(self._left)

    def send(self, message: dict[str, Any]) -> None:
        """Write one message; a reader that is gone is not an error here, its end is seen elsewhere."""
        if self._descriptor is None:
            return
        self._left += json.dumps(message, allow_nan=False).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        """Write as much as there is room for."""
        try:
            while self._left and self._descriptor is not None:
                self._left = self._left[os.write(self._descriptor, self._left) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._left = b""

    def close(self) -> None:
        self._left = b""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Inbox:
    """The reading end of a pipe; `is_closed` once the writer has gone and everything is read."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.is_closed = False
        self._buffer = b""

    def fileno(self) -> int:
        return self.descriptor

    def receive(self) -> list[dict[str, Any]]:
        """The messages that are there now; a torn last line of a killed writer is left out."""
        while not self.is_closed:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                break
            if not data:
                self.close()
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        return [message for line in lines if (message := _parsed(line)) is not None]

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            os.close(self.descriptor)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line that is no message (user code wrote into the pipe) is dropped."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
