"""What a few samples show of a data set, before anything is trained on it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from torch.utils.data import default_collate

from staycourse.training.data import Data
from staycourse.training.device import can_travel, is_bound
from staycourse.training.fetching import Collate
from staycourse.training.randomness import changed, seed_all, states

_PROBED_SAMPLES = 12


@dataclass(frozen=True)
class Probe:
    """The global generators that samples draw from, the seconds that one takes, and whether only the training
    process itself can fetch them: they lie on a GPU, say, or their batch cannot be pickled."""

    uses: frozenset[str]
    sample_seconds: float
    in_main: bool


def probe(data: Data, collate: Collate | None) -> Probe:
    """Fetch a few samples, evenly spread, of each part, and look."""
    uses: set[str] = set()
    samples: list[Any] = []
    seconds = 0.0
    if data.is_stream:
        first = next(iter(data.train.dataset))
        return Probe(frozenset(), 0.0, is_bound(first) or not can_travel(first))
    for part in (data.train, data.validation):
        if part is None:
            continue
        seed_all(0)
        for index in part.spread(_PROBED_SAMPLES):
            before = states()
            began = time.perf_counter()
            samples.append(part.dataset[index])
            seconds += time.perf_counter() - began
            uses |= changed(before)
    began = time.perf_counter()
    batch = (collate or default_collate)(samples[:_PROBED_SAMPLES])
    seconds += time.perf_counter() - began
    in_main = any(map(is_bound, samples)) or not can_travel(batch)
    return Probe(frozenset(uses), seconds / len(samples), in_main)
