"""The resident path: samples lie in memory as columns, batches are gathered by index.

Only for data whose samples are the same each time they are fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch

from staycourse.training.ahead import ahead
from staycourse.training.fetching import Collate, Collating
from staycourse.training.plan import Plan
from staycourse.training.randomness import Randomness
from staycourse.training.sources.base import Source
from staycourse.training.tables import Table


class ResidentSource(Source):
    """Gathers from the table and the indices of each part, wherever the tables lie."""

    PATH: ClassVar[str] = "resident"

    def __init__(
        self,
        tables: Mapping[str, tuple[Table, Sequence[int]]],
        randomness: Randomness,
        collate: Collate | None,
        *,
        pin_memory: bool = False,
    ) -> None:
        self._tables = {name: table for name, (table, _) in tables.items()}
        self._indices = {name: torch.as_tensor(indices) for name, (_, indices) in tables.items()}
        self._randomness, self._collate = randomness, collate
        self._is_on_device = any(c.is_cuda for table in self._tables.values() for c in table.columns)
        self.pin_memory = pin_memory and not self._is_on_device

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Any]:
        made = self._gathered(plan, start)
        # Not by a thread where a collate() draws from the generators that the model draws from as well.
        return ahead(made) if self.pin_memory and self._collate is None else made

    def _gathered(self, plan: Plan, start: int) -> Iterator[Any]:
        table = self._tables[plan.part]
        rows = self._indices[plan.part][torch.as_tensor(plan.order, dtype=torch.int64)]
        rows = rows.to(table.columns[0].device)
        made = Collating(self._collate, self._randomness, plan, pin_memory=self.pin_memory)
        for number, begin, end in plan.places(start):
            yield made(Table(table.form, table.gather(rows[begin:end])), number)
