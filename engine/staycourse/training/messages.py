"""What a worker says, and what it is told: newline-delimited JSON over two pipes.

`Events` holds rows back for a moment, so that a fast trial does not send a message a step; `Orders` is
looked at between steps, without a thread.
"""

from __future__ import annotations

import json
import os
import select
from typing import Any, Protocol

from staycourse.core.canonical import encode_number, plain

Row = tuple[str, int, int, float | str]


class Sink(Protocol):
    """Takes the messages of a worker."""

    def send(self, message: dict[str, Any]) -> None: ...


class Unheard(Exception):
    """Nobody reads what is sent any more."""


class PipeSink:
    """Writes each message as one line to a file descriptor; blocks while the reader is behind. Raises
    Unheard when the reader has gone."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def send(self, message: dict[str, Any]) -> None:
        line = memoryview((json.dumps(plain(message), ensure_ascii=False) + "\n").encode())
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except BrokenPipeError as error:
            raise Unheard from error


class Events:
    """Messages to the supervisor: rows are gathered until `flush`, anything else is sent after them."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._metrics: list[Row] = []
        self._timing: list[Row] = []

    def metric(self, name: str, step: int, epoch: int, value: float) -> Row:
        """Add a row of deterministic values; returns it as it is sent."""
        row = (name, step, epoch, encode_number(float(value)))
        self._metrics.append(row)
        return row

    def rows(self, rows: list[Row]) -> None:
        """Add rows that are encoded already."""
        self._metrics.extend(rows)

    def timing(self, name: str, step: int, epoch: int, value: float) -> None:
        """Add a row of what depends on the machine."""
        self._timing.append((name, step, epoch, encode_number(value)))

    def flush(self) -> None:
        """Send the gathered rows."""
        for kind, rows in (("metrics", self._metrics), ("timing", self._timing)):
            if rows:
                self._sink.send({"type": kind, "rows": rows})
        self._metrics, self._timing = [], []

    def send(self, kind: str, **body: Any) -> None:
        """Send a message, the gathered rows first."""
        self.flush()
        self._sink.send({"type": kind, **body})


class Stopped(Exception):
    """The order to stop has come: a checkpoint, and leave."""


class Orders:
    """Looks for orders without waiting; end-of-file means that none can come any more.

    `resident` is the data that the run's loader process has put into memory since the job was given; whoever
    takes it sets it back to None.
    """

    def __init__(self, fd: int | None, rest: bytes = b"") -> None:
        self._fd = fd
        self._buffer = rest
        self._poll = select.poll()
        if fd is not None:
            self._poll.register(fd, select.POLLIN)
        self._stop = False
        self.resident: dict[str, Any] | None = None

    def check(self) -> None:
        """Raise Stopped once the order to stop has come."""
        while self._fd is not None and self._poll.poll(0):
            data = os.read(self._fd, 65536)
            if not data:
                self._poll.unregister(self._fd)
                self._fd = None
            self._buffer += data
        while b"\n" in self._buffer:
            line, self._buffer = self._buffer.split(b"\n", 1)
            order = json.loads(line) if line.strip() else {}
            self._stop = self._stop or order.get("order") == "stop"
            self.resident = order.get("resident", self.resident)
        if self._stop:
            raise Stopped


def read_line(fd: int) -> tuple[bytes, bytes]:
    """Wait for one line; returns it and what was read beyond it. Raises EOFError if none comes."""
    buffer = b""
    while b"\n" not in buffer:
        data = os.read(fd, 65536)
        if not data:
            raise EOFError("the orders ended before the job")
        buffer += data
    line, rest = buffer.split(b"\n", 1)
    return line, rest
