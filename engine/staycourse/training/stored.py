"""A task's data as the run's loader process has put it into shared memory, in place of its data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, TensorDataset

from staycourse.task.contract import FUNCTIONS, Task
from staycourse.training.sharing import opened
from staycourse.training.tables import Table


class StoredDataset(Dataset[Any]):
    """The samples of a table; `targets` are their labels where the data set itself knew them."""

    def __init__(self, table: Table, labels: Sequence[int] | None) -> None:
        self.table = table
        self.targets = labels

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> Any:
        return self.table.samples([column[index : index + 1].clone() for column in self.table.columns])[0]


def table_of(dataset: Any) -> Table | None:
    """The samples of a data set that are rows of tensors in memory; None for any other data set."""
    if isinstance(dataset, StoredDataset):
        return dataset.table
    if type(dataset) is not TensorDataset or any(tensor.is_cuda for tensor in dataset.tensors):
        return None
    return Table(["tuple", *(["tensor"] for _ in dataset.tensors)], list(dataset.tensors))


class Stored:
    """What `resident_loader` describes, opened. `datasets` maps a part's name to its data set, `groups` holds
    one id a sample where the task has `groups`. Raises OSError if the loader process is gone."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        labels = [None if d is None else _numbers(d) for d in described["labels"]]
        tables = [opened(d) for d in described["tables"]]
        datasets = [StoredDataset(t, known) for t, known in zip(tables, labels, strict=True)]
        self.datasets = {name: datasets[at] for name, at in described["parts"].items()}
        self.groups = None if described["groups"] is None else _numbers(described["groups"])
        self.split_given = bool(described["split_given"])


def may_replace(task: Task) -> bool:
    """Whether nobody but the loader asks for the data sets themselves."""
    asking = (name for name in FUNCTIONS if name != "groups" and task.has(name))
    return not task.has("evaluate") and not any(task.takes(name, "dataset") for name in asking)


def as_table(numbers: Sequence[int]) -> Table:
    """Labels or ids as a table of their own."""
    return Table(["int"], [torch.as_tensor(numbers, dtype=torch.int64)])


def _numbers(described: Mapping[str, Any]) -> list[int]:
    numbers: list[int] = opened(described).columns[0].tolist()
    return numbers
