"""How many threads compute: a trial's own number for the model, one for its data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread meanwhile, as loader workers, the loader process and the check do: sums over
    parts that are as many as threads have other last bits."""
    count = torch.get_num_threads()
    if count == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)
