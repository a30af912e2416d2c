"""Whether epochs take longer and longer at equal work."""

from __future__ import annotations

from collections.abc import Sequence

from staycourse.core.slowdowns.course import LEAST, comparable, memory, rise, seconds, sizes
from staycourse.core.slowdowns.signs import Epoch, Signs, Slowdown, rounded

KIND = "growing"
ADVICE = (
    "keep `loss.item()` or `loss.detach()` instead of a loss, a prediction or a metric with its graph; empty "
    "lists and caches at the end of an epoch"
)

# What is worth a word, as a share of an epoch at the beginning.
_RISE = 0.15


def look(signs: Signs) -> Slowdown | None:
    """By the epochs of equal work up to the last one, without the first of all."""
    epochs = comparable(signs.epochs)
    if len(epochs) < LEAST:
        return None
    times = seconds(epochs)
    share = rise(times, _RISE)
    if share is None:
        return None
    figures = {
        "first_epoch": epochs[0].number,
        "last_epoch": epochs[-1].number,
        "first_s": rounded(times[0]),
        "last_s": rounded(times[-1]),
    }
    if (piled := memory(epochs)) is not None:
        figures |= {"first_bytes": piled[1][0], "last_bytes": piled[1][-1]}
    words = [_duration(time) for time in times]
    text = f"epochs grow: {', '.join(words[:3])} … {words[-1]}, {_memory_words(epochs)}"
    return Slowdown(KIND, text, rounded(share), figures)


def _memory_words(epochs: Sequence[Epoch]) -> str:
    if (piled := memory(epochs)) is not None:
        return f"and {piled[0]} with them ({sizes(piled[1])}): losses kept with their graphs?"
    if any(epoch.host_bytes is not None or epoch.device_bytes is not None for epoch in epochs):
        return "and memory does not: does a step do more and more, or does the machine slow down?"
    return "at equal work: does something grow with every step?"


def _duration(value: float) -> str:
    return f"{value:.0f} s" if value >= 9.95 else f"{value:#.2g} s"
