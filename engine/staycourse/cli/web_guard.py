"""Who may look at a run that is served: no other site's pages, and on loopback nobody but its user."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


def guard(host: str, is_loopback: bool) -> Middleware:
    """Answers 403 to whom the run is not shown. `host` is the address as the user gave it.

    Loopback is open to every user of the machine and, through a name that another site makes resolve to it,
    to every page that the user's own browser shows. Where another address was asked for, anybody may look.
    """

    @web.middleware
    async def refuse_or_pass(request: web.Request, handler: Handler) -> web.StreamResponse:
        why = _why_not_from(request) or (is_loopback and _why_not_here(request, host))
        if why:
            raise web.HTTPForbidden(text=f"{why}\n")
        return await handler(request)

    return refuse_or_pass


def _why_not_from(request: web.Request) -> str:
    """A page may ask only where it came from itself."""
    origin = request.headers.get("Origin")
    is_own = origin is None or origin.partition("://")[2].lower() == request.host.lower()
    return "" if is_own else "a page of another site may not look at this run"


def _why_not_here(request: web.Request, host: str) -> str:
    """Under a name of this machine's loopback, and by the user who serves or by root."""
    name = ""
    with contextlib.suppress(ValueError):
        name = urlsplit(f"//{request.host}").hostname or ""
    if name != host.lower() and not _is_loopback(name):
        return "this server answers to localhost alone"
    user = _user_of(request.transport)
    if user in (None, 0, os.getuid()):
        return ""
    return "this run is another user's"


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return False


def _user_of(transport: object) -> int | None:
    """The user id of the process at the other end, as Linux lists it; None where that cannot be told."""
    ask = getattr(transport, "get_extra_info", None)
    ours, theirs = (ask("sockname"), ask("peername")) if ask else (None, None)
    if not ours or not theirs:
        return None
    is_v6 = ":" in theirs[0]
    wanted = [_as_listed(end[0], end[1], is_v6) for end in (theirs, ours)]
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/tcp6" if is_v6 else "/proc/net/tcp").read_text().splitlines():
            words = line.split()
            if words[1:3] == wanted:
                return int(words[7])
    return None


def _as_listed(address: str, port: int, is_v6: bool) -> str:
    """An end of a connection as the kernel writes it: words in the machine's order of bytes."""
    packed = socket.inet_pton(socket.AF_INET6 if is_v6 else socket.AF_INET, address)
    words = (int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4))
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"
