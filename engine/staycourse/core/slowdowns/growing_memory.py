"""Whether memory piles up from epoch to epoch, though the epochs' time does not show it yet."""

from __future__ import annotations

from staycourse.core.slowdowns import growing
from staycourse.core.slowdowns.course import LEAST, comparable, memory, sizes
from staycourse.core.slowdowns.signs import Signs, Slowdown, rounded

KIND = "growing memory"
ADVICE = growing.ADVICE


def look(signs: Signs) -> Slowdown | None:
    """By the epochs of equal work; nothing where their time grows as well, for that verdict names both."""
    epochs = comparable(signs.epochs)
    piled = memory(epochs) if len(epochs) >= LEAST else None
    if piled is None or growing.look(signs) is not None:
        return None
    name, values = piled
    text = f"{name} grows: {sizes(values)} in {len(values)} epochs: losses kept with their graphs?"
    figures = {
        "first_epoch": epochs[0].number,
        "last_epoch": epochs[-1].number,
        "first_bytes": values[0],
        "last_bytes": values[-1],
    }
    return Slowdown(KIND, text, rounded(values[-1] / values[0] - 1), figures)
