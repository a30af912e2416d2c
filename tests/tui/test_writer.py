"""Writing to somebody who may not read."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import threading
from collections.abc import Iterator

import pytest
from tests.support.terminals import wait_for

from staycourse_tui.writer import MOST_WAITING, Writer

PIPE = 65536  # what a pipe holds before whoever writes must wait


def fills(fd: int) -> bool:
    """Whether the pipe holds all that it can."""
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0] == PIPE


class Reader:
    """A pipe with a Writer at its other end."""

    def __init__(self) -> None:
        self.fd, self._write_end = os.pipe()
        self.behind, self.caught_up = threading.Event(), threading.Event()
        self.writer = Writer(self._write_end, self.behind.set, self.caught_up.set)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.fd, size - len(data))
        return data

    def close(self) -> None:
        os.close(self.fd)
        self.writer.stop()


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


def test_what_is_written_comes_in_order(reader: Reader) -> None:
    for at in range(500):
        reader.writer.write(f"{at} ⣿,")
    wanted = "".join(f"{at} ⣿," for at in range(500)).encode()
    assert reader.read(len(wanted)) == wanted
    assert reader.writer.drain(lambda: False)
    assert not reader.behind.is_set()


def test_whoever_writes_is_told_when_to_hold_back_and_when_to_go_on(reader: Reader) -> None:
    reader.writer.write("a" * (PIPE + 1))
    wait_for(lambda: fills(reader.fd), lambda: "the first text is not being written")
    reader.writer.write("b" * MOST_WAITING)
    assert not reader.behind.is_set()
    reader.writer.write("c")
    assert reader.behind.is_set() and not reader.caught_up.is_set()
    assert reader.read(PIPE + 2 + MOST_WAITING)[-2:] == b"bc"
    assert reader.caught_up.wait(10)


def test_a_hurried_drain_gives_up(reader: Reader) -> None:
    reader.writer.write("a" * (PIPE + 1))
    assert not reader.writer.drain(lambda: True, patience=0.05)
    reader.read(PIPE + 1)
    assert reader.writer.drain(lambda: True)


def test_a_terminal_that_is_gone_takes_everything() -> None:
    reader = Reader()
    os.close(reader.fd)
    reader.writer.write("a" * (PIPE + 1))
    assert reader.writer.drain(lambda: False)
    reader.writer.stop()
