"""What went wrong in a worker, told apart and told in text that is safe to store and show."""

from __future__ import annotations

import errno
import re
import traceback

import torch

from staycourse.core.outcome import Failure
from staycourse.core.problems import UserError
from staycourse.core.text import one_line, sanitise

_TRACEBACK_CHARS = 4000
_FROM_LOADER = re.compile(r"Caught \w+ in DataLoader worker process \d+\.")
_DEAD_LOADER = re.compile(r"DataLoader worker \(pid")
_NO_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "CUDA out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)


def _text(error: BaseException) -> str:
    """What it says; a class of the task's own may not even be able to."""
    try:
        return str(error)
    except Exception:
        return "<str() of it failed>"


def is_dead_loader(error: BaseException) -> bool:
    """A loader worker died (killed from outside, out of host memory): no fault of the code that raised."""
    return isinstance(error, RuntimeError) and bool(_DEAD_LOADER.match(_text(error)))


def kind_of(error: BaseException) -> Failure:
    """Out of memory, or an error like any other."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return Failure.OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return Failure.OUT_OF_MEMORY
    if isinstance(error, RuntimeError) and any(text in _text(error) for text in _NO_MEMORY):
        return Failure.OUT_OF_MEMORY
    return Failure.ERROR


def in_one_line(error: BaseException) -> str:
    """`ValueError: text`; the same whether the sample was fetched here or by a loader worker."""
    text = _text(error)
    if _FROM_LOADER.match(text):
        return one_line(text.rstrip().rpartition("\n")[2])
    name = type(error).__name__
    if isinstance(error, UserError):
        return one_line(text)
    return one_line(f"{name}: {text}" if text else name)


def full_text(error: BaseException) -> str:
    """The traceback, harmless, its last 4000 characters."""
    return sanitise("".join(traceback.format_exception(error)))[-_TRACEBACK_CHARS:]
