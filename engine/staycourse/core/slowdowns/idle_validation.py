"""Whether the GPU has little to do while the validation set is seen."""

from __future__ import annotations

import statistics

from staycourse.core.slowdowns.signs import Epoch, Signs, Slowdown, percent, rounded

KIND = "idle validation"
ADVICE = (
    "more loader workers where validation waits for data; metrics computed on the GPU, of whole batches; "
    "`validate_every` under `[training]` where a value an epoch is more than is needed"
)

# A validation that takes less of an epoch is not worth a word.
_SHARE = 0.10
# "Far below that in training": at most half the load, and less than half of what the GPU can do.
_OF_TRAINING, _LOAD = 0.5, 0.5
# A part that waits at least so much of its time is held up by its data.
_WAITS = 0.3
_RECENT = 3


def look(signs: Signs) -> Slowdown | None:
    """By the last validations on a GPU, and its load meanwhile."""
    validated = [epoch for epoch in signs.epochs if epoch.validation_s is not None][-_RECENT:]
    training, load = signs.training_load, signs.validation_load
    if not signs.has_gpu or not validated or training is None or load is None:
        return None
    share = _sum(validated) / max(1e-9, sum(epoch.seconds for epoch in validated))
    if share < _SHARE or load >= min(_LOAD, _OF_TRAINING * training):
        return None
    waits = _waiting(validated)
    cause = "are metrics computed on the CPU, or batches small?"
    if waits is not None and waits >= _WAITS:
        cause = f"{percent(waits)} of it waits for data, more workers would help"
    text = (
        f"GPU idle at validation: {percent(load)} load, {percent(training)} in training, "
        f"for {percent(share)} of an epoch; {cause}"
    )
    figures = {
        "validation_load": rounded(load),
        "training_load": rounded(training),
        "validation_s": rounded(statistics.fmean(epoch.validation_s or 0.0 for epoch in validated)),
        "waits": None if waits is None else rounded(waits),
    }
    return Slowdown(KIND, text, rounded(share), figures)


def _sum(epochs: list[Epoch]) -> float:
    return sum(epoch.validation_s or 0.0 for epoch in epochs)


def _waiting(epochs: list[Epoch]) -> float | None:
    """The part of these validations that waits for data."""
    if any(epoch.validation_wait_s is None for epoch in epochs) or not _sum(epochs):
        return None
    return sum(epoch.validation_wait_s or 0.0 for epoch in epochs) / _sum(epochs)
