"""The app in browsers. Each view is a process of its own, which ends with its page or with this server."""

from __future__ import annotations

import asyncio
import contextlib
import html
import logging
import shlex
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template

from aiohttp import WSCloseCode, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

_PAGE = Path(__file__).with_name("web_page.html")
_SECONDS_TO_CLOSE, _SECONDS_TO_END = 2.0, 5.0
_log = logging.getLogger(__name__)


class View(AppService):
    """One view. Where its process has gone its page is told so: what stands still must not look alive."""

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def stop(self) -> None:
        await super().stop()
        if self._process is not None:
            await self._process.wait()

    async def set_terminal_size(self, width: int, height: int) -> None:
        await super().set_terminal_size(_cells(width), _cells(height))


class WebServer(Server):
    """Serves a command that is a Textual app, under a title, to so many pages at a time. textual-serve's own
    page takes its font from another host, and its addresses hold behind no tunnel."""

    def __init__(self, command: Sequence[str], title: str, guard: Middleware, views: int) -> None:
        # ctrl+c at a terminal reaches every process there; views are told by this one when to end.
        super().__init__(f"trap '' INT; exec {shlex.join(command)}", title=title)
        self._guard, self._most = guard, views
        self._open: set[web.WebSocketResponse] = set()

    def serve_on(self, listening: socket.socket, greet: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM; `greet` is called once both are heard."""
        logging.getLogger("aiohttp.server").addFilter(_is_worth_a_word)
        web.run_app(
            self._application(),
            sock=listening,
            shutdown_timeout=_SECONDS_TO_END,
            access_log=None,
            print=lambda _: greet(),
        )

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        application.add_routes(
            [
                web.get("/", self.page),
                web.get("/ws", self.view),
                web.get("/download/{key}", self.handle_download),
                web.static("/static", self.statics_path),
            ]
        )
        application.on_shutdown.append(self._close_all)
        return application

    async def page(self, request: web.Request) -> web.Response:
        """The page that holds a terminal; `?fontsize=20` sets its size in pixels."""
        self._refuse_if_full()
        size = min(64, max(6, to_int(request.query.get("fontsize", ""), 16)))
        text = Template(_PAGE.read_text(encoding="utf-8"))
        filled = text.substitute(title=html.escape(self.title), font_size=size)
        return web.Response(text=filled, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def view(self, request: web.Request) -> web.WebSocketResponse:
        """A view, from the opening of its page to the closing."""
        self._refuse_if_full()
        page = web.WebSocketResponse(heartbeat=15, timeout=_SECONDS_TO_CLOSE)
        await page.prepare(request)
        self._open.add(page)

        async def close() -> None:
            await page.close()

        view = View(
            self.command,
            write_bytes=page.send_bytes,
            write_str=page.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        try:
            width, height = (to_int(request.query.get(side, ""), 80) for side in ("width", "height"))
            await view.start(_cells(width), _cells(height))
            await self._process_messages(page, view)
        except ConnectionError:
            pass  # the page was closed while something was written to it
        except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
            _log.warning("a page sent what no view understands (%s); its view was closed", error)
        finally:
            await view.stop()
            self._open.discard(page)
        await page.close()
        return page

    def _refuse_if_full(self) -> None:
        if len(self._open) >= self._most:
            raise web.HTTPServiceUnavailable(text=f"{self._most} views are open, which is all; close one\n")

    async def _close_all(self, _: web.Application) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS_TO_CLOSE):
                await asyncio.gather(*(page.close(code=WSCloseCode.GOING_AWAY) for page in self._open))


def _cells(count: int) -> int:
    """A width or height that a view can have; a page may ask for any."""
    return min(500, max(1, int(count)))


def _is_worth_a_word(record: logging.LogRecord) -> bool:
    """What is no HTTP, from somebody who tries every port say, is answered and not spoken of."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
