"""Names of metrics: `val_x` in a roadmap is the task's `x`, and the other way round."""

from __future__ import annotations

from collections.abc import Iterable

ENGINE_METRICS = ("train_loss", "train_loss_step", "val_loss", "lr", "batch_size", "loss_scale")
_PREFIX = "val_"


def resolve(name: str, reported: Iterable[str]) -> str | None:
    """The reported metric that a roadmap's name means, None if there is none."""
    known = set(reported)
    if name in known:
        return name
    other = name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else _PREFIX + name
    return other if other in known else None
