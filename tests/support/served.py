"""`staycourse serve` in a process of its own, and views of it without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import psutil
from tests.support.tiny import Place

from staycourse.core.text import sanitise


class Served:
    """A server that runs; `said` is what it has printed up to its address, `address` ends with a slash."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        while (found := re.search(r"http://\S+/(?=\n)", self.said)) is None:
            line = process.stdout.readline()
            assert line, self.said + process.stderr.read()
            self.said += line
        self.address = found[0]
        self.port = int(self.address.rstrip("/").rpartition(":")[2])

    def views(self) -> list[psutil.Process]:
        """The processes of its views."""
        return [one for one in psutil.Process(self.process.pid).children(recursive=True) if is_alive(one)]

    def ended(self) -> str:
        """All that it has printed, once it has ended; no word of a fault is among it."""
        self.said += self.process.stdout.read()
        errors = self.process.stderr.read()
        self.process.wait(20)
        assert not errors
        return self.said


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended may wait for its parent to notice."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@contextlib.contextmanager
def served(place: Place, *words: str | Path) -> Iterator[Served]:
    """A server on a port that is free; killed at the end if it still runs."""
    with place.started("serve", *words, "--port", "0") as process:
        yield Served(process)


class RawView:
    """A view as a page has it: `drawn` is what its terminal was sent, `told` what the page was."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.drawn = b""
        self.told: list[list[str]] = []

    @property
    def text(self) -> str:
        """All that was drawn, without colours and places."""
        return sanitise(self.drawn.decode())

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Read until the condition holds."""
        async with asyncio.timeout(seconds):
            while not condition():
                message = await self.socket.receive()
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.drawn += message.data
                else:
                    self.told.append(json.loads(message.data))

    async def shows(self, *words: str) -> None:
        await self.until(lambda: all(word in self.text for word in words))

    async def type(self, text: str) -> None:
        await self.socket.send_json(["stdin", text])

    async def closes(self, seconds: float = 20.0) -> int | None:
        """Read until the server closes the view; the code that it gives."""
        async with asyncio.timeout(seconds):
            while (message := await self.socket.receive()).type not in (
                aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED,
            ):  # fmt: skip
                pass
        return message.data


@contextlib.asynccontextmanager
async def raw_view(server: Served, **headers: str) -> AsyncIterator[RawView]:
    """A view of a terminal of 100x30, closed at the end as a tab is."""
    address = f"{server.address}ws?width=100&height=30"
    async with aiohttp.ClientSession() as session, session.ws_connect(address, headers=headers) as page:
        yield RawView(page)


async def until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Look until the condition holds, while the loop goes on."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.05)
    assert condition(), what


def answer(port: int, *lines: str) -> str:
    """The status line that a request gets, written word for word."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        return connection.makefile().readline().strip()
