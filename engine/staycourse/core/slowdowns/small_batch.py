"""Whether batches are too small to keep the GPU busy."""

from __future__ import annotations

from staycourse.core.slowdowns.signs import Signs, Slowdown, percent, rounded

KIND = "small batch"
ADVICE = (
    "larger values of `batch_size` in the space, with learning rates to go with them, cost this GPU little; "
    "a model this small may train faster on CPUs (`--devices cpu`)"
)

# A GPU that runs kernels for less of its time waits for the CPU that starts them.
_LOAD = 0.6
# With more of its memory in use, a much larger batch would not fit.
_MEMORY = 0.4
# Who waits for data for more of a step is held up by that first.
_WAITS = 0.10


def look(signs: Signs) -> Slowdown | None:
    """By the GPU's load in training, its memory, and whether steps wait for data."""
    load, memory = signs.training_load, signs.memory_share
    if not signs.has_gpu or load is None or memory is None or load >= _LOAD or memory >= _MEMORY:
        return None
    if signs.step is not None and signs.step.wait_share > _WAITS:
        return None
    measured = f"{percent(load)} load and {percent(memory)} of its memory in training"
    size = "" if signs.batch_size is None else f" at batch_size {signs.batch_size:g}"
    text = f"batch too small for this GPU: {measured}{size}; a larger one would cost little time"
    if signs.step is None:
        text = f"GPU mostly idle: {measured}; does it wait for data, or is the batch too small for this GPU?"
    figures = {
        "training_load": rounded(load),
        "memory_share": rounded(memory),
        "batch_size": signs.batch_size,
    }
    return Slowdown(KIND, text, rounded(1 - load), figures)
