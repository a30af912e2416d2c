"""SIGTERM and SIGHUP as an exception, where what a command has begun is to be taken back."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

_ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def taken_back() -> Iterator[None]:
    """The first of these signals raises SystemExit with the code that a shell has for it; no other one cuts
    short what follows. One that is ignored, by nohup say, stays so."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    is_ended = False

    def leave(number: int, _: object) -> None:
        nonlocal is_ended
        is_ended = True
        for other in heard:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in heard:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in heard if not is_ended else ():
            signal.signal(number, before[number])
