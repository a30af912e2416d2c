"""A full disk is no fault of a trial's: what is to be written waits until there is room, and says so."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable
from typing import TypeVar

from staycourse.training.messages import Events, Orders

_T = TypeVar("_T")
_CODES = (errno.ENOSPC, errno.EDQUOT)
# safetensors tells of it in words alone: "I/O error: No space left on device (os error 28)".
_IN_WORDS = re.compile(rf"\(os error ({'|'.join(map(str, _CODES))})\)")
_PAUSE_S = 0.2


def is_full(error: BaseException) -> bool:
    """Whether the error says that the disk, or the user's share of it, is full."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _CODES
    return bool(_IN_WORDS.search(str(error)))


class FullDisk:
    """Waits for room, telling the supervisor of it. `seconds` have been spent on that so far: they count
    for nothing in the trial's time."""

    def __init__(self, events: Events, orders: Orders) -> None:
        self._events = events
        self._orders = orders
        self.seconds = 0.0

    def waiting_out(self, action: Callable[[], _T], step: int) -> _T:
        """Do the action, again and again while the disk is full.

        Raises Stopped if the order to stop comes, or has come, while it is.
        """
        while True:
            began = time.perf_counter()
            try:
                return action()
            except Exception as error:
                if not is_full(error):
                    raise
            self._events.send("waiting", step=step, why="the disk is full")
            self._orders.check()
            time.sleep(_PAUSE_S)
            self.seconds += time.perf_counter() - began
