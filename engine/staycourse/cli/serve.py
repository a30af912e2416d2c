"""staycourse serve [RUN]: the app in a browser, view only."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import socket
import sys

from staycourse.cli.arguments import add_run, add_runs, at_least_one

LOOPBACK, PORT, VIEWS = "127.0.0.1", 8642, 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "The page's address takes ?fontsize=20 for letters of that size in pixels (16)."
    add_run(parser, optional=True)
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default=LOOPBACK,
        help=f"where to listen (default: {LOOPBACK}, this machine alone); anybody who reaches another "
        "address sees the run",
    )
    parser.add_argument(
        "--port", metavar="N", type=_port, default=PORT, help=f"default: {PORT}; 0 takes one that is free"
    )
    parser.add_argument(
        "--views",
        metavar="N",
        type=at_least_one,
        default=VIEWS,
        help=f"open at a time (default: {VIEWS}); each is a process of some 60 MB",
    )
    add_runs(parser)


def run(options: argparse.Namespace) -> int:
    from staycourse.cli.output import say
    from staycourse.core.problems import UserError
    from staycourse.record.index import find

    paths = find(options.name, options.runs)
    try:
        from staycourse.cli.web_guard import guard
        from staycourse.cli.web_server import WebServer
    except ModuleNotFoundError as error:
        raise UserError(
            f"`serve` needs the extra of that name: pip install 'staycourse[serve]' ({error.name} is missing)"
        ) from None
    with _listening(options.host, options.port) as listening:
        address, port = listening.getsockname()[:2]
        is_loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
        command = [sys.executable, "-P", "-m", "staycourse_tui", str(paths.root), "--view-only"]
        words = _words(paths.name, options.host, address if is_loopback else LOOPBACK, port, is_loopback)
        server = WebServer(command, paths.name, guard(options.host, is_loopback), options.views)
        server.serve_on(listening, lambda: say(words))
    say(f"no longer served; {paths.name} was only looked at")
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UserError if it cannot."""
    from staycourse.core.problems import UserError

    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        why = f"cannot listen on {_with_port(host, port)}: {error.strerror or error}"
        if error.errno == errno.EADDRINUSE:
            why = (
                f"{_with_port(host, port)} is taken, maybe by another `staycourse serve`: "
                "--port N takes another one, --port 0 any that is free"
            )
        raise UserError(why) from None


def _words(name: str, host: str, loopback: str, port: int, is_loopback: bool) -> str:
    """What is said before the first browser comes. `loopback` is the address of a tunnel's end here."""
    machine = socket.gethostname()
    shown = machine if host in ("", "0.0.0.0", "::") else host
    tunnel = f"ssh -L {port}:{_with_port(loopback, port)} {machine}"
    reached = f"from another machine: {tunnel}   and then http://localhost:{port}/ there"
    if not is_loopback:
        reached = (
            "warning: anybody who reaches this port sees the run; there is no password and no encryption. "
            f"Safer: leave out --host, and {tunnel}"
        )
    return (
        f"{name}, view only: http://{_with_port(shown, port)}/\n"
        f"{reached}\n"
        "ctrl+c ends the serving, never the run"
    )


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("expected a number from 0 to 65535")
    return int(text)
