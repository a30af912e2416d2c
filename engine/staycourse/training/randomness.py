"""All randomness of a trial, derived from (seed, repetition) and where one is; none of it is ever saved.

Initial weights and the order of an epoch do not depend on the set-up, so that set-ups meet the same
data. A sample is seeded by (that, epoch, index), a step by (that, step) once its batch is fetched, so
that neither the worker that fetches nor the place where a trial was resumed can be told from the result.

`torch.manual_seed` takes 140 µs because it visits every device; the default generators themselves take one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from staycourse.core.seeds import derive, mix

Reseed = Callable[[int], object]

_NUMPY_SEEDS = 0xFFFFFFFF


def _seed_numpy(seed: int) -> None:
    np.random.seed(seed & _NUMPY_SEEDS)


GENERATORS: dict[str, Reseed] = {
    "torch": torch.default_generator.manual_seed,
    "random": random.seed,
    "numpy": _seed_numpy,
}


def seed_all(seed: int) -> None:
    """Seed the three global generators of a process: torch's on the CPU, Python's and NumPy's."""
    for reseed in GENERATORS.values():
        reseed(seed)


class _Kept:
    """The states of the three global generators at one time."""

    def __init__(self) -> None:
        self._torch = torch.default_generator.get_state()
        self._random, self._numpy = random.getstate(), np.random.get_state()

    def now(self) -> _Kept:
        """The states at this moment."""
        return _Kept()

    def restore(self) -> None:
        torch.default_generator.set_state(self._torch)
        random.setstate(self._random)
        np.random.set_state(self._numpy)


@contextmanager
def kept_states(own: _Kept | None = None) -> Iterator[_Kept]:
    """Leave the global generators behind as they were; meanwhile they go on from `own`, if it is given."""
    before = _Kept()
    if own is not None:
        own.restore()
    try:
        yield before
    finally:
        before.restore()


def states() -> dict[str, bytes]:
    """The states of the three global generators, to tell which were used."""
    return {
        "torch": torch.default_generator.get_state().numpy().tobytes(),
        "random": repr(random.getstate()).encode(),
        "numpy": _numpy_state(),
    }


def _numpy_state() -> bytes:
    _, key, *rest = np.random.get_state()
    return bytes(np.asarray(key).tobytes()) + repr(rest).encode()


def changed(before: dict[str, bytes]) -> set[str]:
    """Names of the global generators that were drawn from since `before = states()`."""
    after = states()
    return {name for name in before if before[name] != after[name]}


@contextmanager
def undisturbed(device: torch.device | None = None) -> Iterator[None]:
    """What is drawn meanwhile changes nothing of what is drawn later, on that device either."""
    is_cuda = device is not None and device.type == "cuda"
    on_device = torch.cuda.get_rng_state(device) if is_cuda and device is not None else None
    try:
        with kept_states():
            yield
    finally:
        if on_device is not None and device is not None:
            torch.cuda.set_rng_state(on_device, device)


class Randomness:
    """Seeds for one trial: (seed, repetition), and the device whose generator steps draw from."""

    def __init__(self, seed: int, repetition: int, device: torch.device | None = None) -> None:
        self._base = (seed, repetition)
        self._step = derive(*self._base, "step")
        self._validation = derive(*self._base, "validation step")
        self._cuda: Reseed | None = None
        if device is not None and device.type == "cuda":
            torch.cuda.init()  # type: ignore[no-untyped-call]  # torch has no types for it
            index = torch.cuda.current_device() if device.index is None else device.index
            self._cuda = torch.cuda.default_generators[index].manual_seed

    def weights(self) -> None:
        """Before the model is made."""
        seed_all(derive(*self._base, "weights"))

    def order(self, epoch: int, count: int) -> list[int]:
        """The order of `count` samples in an epoch (from 1): the same for every set-up."""
        generator = torch.Generator().manual_seed(self.order_seed(epoch))
        order: list[int] = torch.randperm(count, generator=generator).tolist()
        return order

    def order_seed(self, epoch: int) -> int:
        """What an epoch's order is drawn from."""
        return derive(*self._base, "order", epoch)

    def samples(self, part: str, epoch: int) -> int:
        """Base from which a sample's seed is mixed with its index."""
        return derive(*self._base, "sample", part, epoch)

    def step(self, step: int, part: int = 0) -> None:
        """Before a step's forward pass, after its batch is there: dropout and the like. `part` counts the
        passes of a step that takes several."""
        seed = mix(self._step, step)
        self._reseed(mix(seed, part) if part else seed)

    def validation_step(self, batch: int) -> None:
        """Before a batch of the validation set: the same draws in every epoch."""
        self._reseed(mix(self._validation, batch))

    def whole_set(self, epoch: int) -> None:
        """Before metrics over the whole validation set."""
        self._reseed(derive(*self._base, "whole set", epoch))

    def _reseed(self, seed: int) -> None:
        seed_all(seed)
        if self._cuda is not None:
            self._cuda(seed)
