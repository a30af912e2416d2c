"""A view in a browser, seen from the pipes that stand between it and its server."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = {**os.environ, "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"}
SMALL_PIPE = 4096
LINKS = """
from staycourse_tui.browser_driver import BrowserDriver
from textual.app import App

class Links(App):
    def on_mount(self):
        for url in ("javascript:alert(1)", "file:///etc/passwd", "https://example.org/"):
            self.open_url(url)
        self.exit()

Links(driver_class=BrowserDriver).run()
"""


@contextlib.contextmanager
def view(run: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process that `serve` starts, with pipes of which one takes less than a screen."""
    command = [sys.executable, "-P", "-m", "staycourse_tui", str(run), "--view-only"]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
        try:
            yield process
        finally:
            process.kill()


def wait_until_stuck(process: subprocess.Popen[bytes]) -> None:
    """Until nothing more comes into the pipe: the app has begun to draw, and waits to go on with it."""
    deadline, at, since = time.monotonic() + 20, 0, 0.0
    while not at or time.monotonic() - since < 1.0:
        assert process.poll() is None and time.monotonic() < deadline
        if (now := waiting(process)) != at:
            at, since = now, time.monotonic()
        time.sleep(0.05)


def waiting(process: subprocess.Popen[bytes]) -> int:
    return struct.unpack("i", fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4)))[0]


def packet(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


def test_an_app_that_nobody_reads_ends_when_it_is_told_to_and_when_its_server_is_gone(
    sample_runs: dict[str, Path],
) -> None:
    run = sample_runs["suspended"]
    with view(run) as told, view(run) as left:
        wait_until_stuck(told)
        told.stdin.write(packet(b"M", json.dumps({"type": "quit"}).encode()))
        told.stdin.flush()
        wait_until_stuck(left)
        left.stdin.close()
        told.wait(15)
        left.wait(15)


def test_only_links_of_the_web_are_opened() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", LINKS],
        env=ENVIRONMENT, stdin=subprocess.PIPE, capture_output=True, timeout=30, check=True,
    )  # fmt: skip
    assert b"https://example.org/" in done.stdout
    assert b"javascript" not in done.stdout and b"passwd" not in done.stdout
