"""Headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from tests.support.served import until

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0",
)  # fmt: skip

# The page keeps its terminal to itself; xterm.js sets `_core` on it, and this sees it do so.
_FIND_TERMINAL = """
Object.defineProperty(Object.prototype, "_core", {
  configurable: true,
  set(core) {
    Object.defineProperty(this, "_core", {value: core, writable: true, configurable: true});
    if (core && core.buffers) window.foundTerminal = core;
  },
});
"""
_SCREEN = """
(() => {
  const core = window.foundTerminal;
  if (!core) return "";
  const rows = [];
  for (let y = 0; y < core.rows; y++) rows.push(core.buffer.lines.get(y)?.translateToString(true) ?? "");
  return rows.join("\\n");
})()
"""


class Page:
    """A tab. `requested` are the addresses that it has asked for, `said` what its console shows, `loads` how
    often a page of its has loaded."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.requested: list[str] = []
        self.said: list[str] = []
        self.loads = 0
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listening = asyncio.create_task(self._listen())

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a method of the protocol."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        answer = await asyncio.wait_for(self._answers[number], 20)
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, address: str, size: tuple[int, int] = (1280, 800)) -> None:
        """Go to an address, in a window of so many pixels."""
        for domain in ("Page", "Network", "Runtime"):
            await self.call(f"{domain}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=size[0], height=size[1], deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=_FIND_TERMINAL)
        await self.call("Page.navigate", url=address)

    async def ask(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def screen(self) -> str:
        """What the page's terminal shows, as text."""
        return str(await self.ask(_SCREEN))

    async def shows(self, *words: str, seconds: float = 30.0) -> str:
        """The screen once all of these are on it."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not _has(text := await self.screen(), words):
            assert asyncio.get_running_loop().time() < deadline, f"{words} not in\n{text}\n{self.said}"
            await asyncio.sleep(0.05)
        return text

    async def reads(self, selector: str, words: str, seconds: float = 20.0) -> None:
        """Wait until an element can be seen and says these words."""
        script = f"(e => e && e.checkVisibility() ? e.innerText : '')(document.querySelector('{selector}'))"
        deadline = asyncio.get_running_loop().time() + seconds
        while words not in (text := str(await self.ask(script))):
            assert asyncio.get_running_loop().time() < deadline, f"{words} not in {text}"
            await asyncio.sleep(0.05)

    async def reloads(self, script: str, seconds: float = 20.0) -> None:
        """Run a script that loads the page anew, and wait until it has: until then the old one answers."""
        before = self.loads
        await self.ask(script)
        await until(lambda: self.loads > before, f"{script} loads nothing", seconds)

    async def press(self, text: str) -> None:
        """Type one character."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, key=text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=text)

    async def screenshot(self) -> bytes:
        """The page as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])

    async def close(self) -> None:
        """Stop listening; the tab closes with the browser."""
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening

    async def _listen(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                if (waiting := self._answers.pop(told["id"], None)) is not None and not waiting.done():
                    waiting.set_result(told)
            elif told["method"] == "Network.requestWillBeSent":
                self.requested.append(told["params"]["request"]["url"])
            elif told["method"] == "Page.loadEventFired":
                self.loads += 1
            elif told["method"] in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
                self.said.append(json.dumps(told["params"])[:400])


class Browser:
    """A Chromium with a profile of its own below `folder`."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._port = session, port

    @contextlib.asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """A new tab, closed at the end."""
        base = f"http://127.0.0.1:{self._port}/json"
        async with self._session.put(f"{base}/new?about:blank") as answer:
            tab = await answer.json(content_type=None)
        async with self._session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            page = Page(socket)
            try:
                yield page
            finally:
                await page.close()
                async with self._session.get(f"{base}/close/{tab['id']}"):
                    pass


@contextlib.asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Browser]:
    """A running headless Chromium."""
    folder.mkdir(parents=True)
    command = ["chromium", *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        port = await _port(process, folder)
        async with aiohttp.ClientSession() as session:
            yield Browser(session, port)
    finally:
        process.terminate()
        process.wait(20)


def _has(text: str, words: tuple[str, ...]) -> bool:
    return all(word in text for word in words)


async def _port(process: subprocess.Popen[bytes], folder: Path) -> int:
    """Where it listens: it writes that down."""
    for _ in range(600):
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int((folder / "DevToolsActivePort").read_text().splitlines()[0])
        assert process.poll() is None, (folder / "log.txt").read_text()
        await asyncio.sleep(0.05)
    raise AssertionError((folder / "log.txt").read_text())
