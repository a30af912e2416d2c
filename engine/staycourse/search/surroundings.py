"""What an optimizer draws on beside its own state: global generators, BLAS threads, warnings."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController


@contextmanager
def undisturbed() -> Iterator[None]:
    """One BLAS thread, so that sums have one order; no warnings; the caller's generators as they were."""
    states, numpy_state, torch = random.getstate(), np.random.get_state(), _torch()
    torch_state = None if torch is None else torch.default_generator.get_state()
    try:
        with warnings.catch_warnings(), _pools(len(sys.modules)).limit(limits=1):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(states)
        np.random.set_state(numpy_state)
        if torch is not None:
            torch.default_generator.set_state(torch_state)


def reseed(seed: int, own: np.random.RandomState) -> None:
    """Sets every generator that an optimizer may draw from; `own` is its parametrization's."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    own.seed(seed % 2**32)
    torch = _torch()
    if torch is not None:
        torch.default_generator.manual_seed(seed)


@lru_cache(maxsize=1)
def _pools(modules: int) -> Any:
    """The thread pools of the libraries loaded; looked for again (4 ms) when there are more modules."""
    return ThreadpoolController()


def _torch() -> Any:
    """Torch if this process has loaded it: an optimizer that does not load it cannot draw from it."""
    return sys.modules.get("torch")
