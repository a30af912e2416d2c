"""What every data path offers the loader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from staycourse.training.plan import Plan


class Source:
    """Batches of a plan's passes, collated, on the CPU unless the data lies on the device.

    `PATH` is its name in the record, `workers` the number of processes that fetch for it, `pin_memory`
    whether batches can be copied to a GPU without waiting.
    """

    PATH: ClassVar[str]
    workers: int = 0
    pin_memory: bool = False

    @property
    def will_fork(self) -> bool:
        """Whether the next `batches` starts processes."""
        return False

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Any]:
        """The passes of the plan's updates from `start` on; one iteration at a time."""
        raise NotImplementedError

    def death(self, patience: float = 0.0) -> int | None:
        """How the first process of it that has died did: its exit code, minus the signal's number if it was
        killed. None if all live for `patience` seconds."""
        return None

    def close(self) -> None:
        """End its processes, those that do not end by themselves by force."""
