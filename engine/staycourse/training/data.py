"""The data of a trial: what the task's `dataset` gives, split once by the seed, the share of both parts.

`prepare(task, spec, seed)` is the same for every trial of a run: neither set-up nor repetition enter it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset

from staycourse.core.job import DataSpec
from staycourse.core.problems import UserError
from staycourse.core.seeds import derive
from staycourse.task.contract import Task
from staycourse.training.randomness import seed_all
from staycourse.training.shards.dataset import ShardSet
from staycourse.training.split import split, take_share
from staycourse.training.stored import Stored, may_replace

STAGES = ("train", "validation")


class DataError(UserError):
    """The task's data set cannot be trained on as it is."""


class EpochError(DataError):
    """`[training] epoch` and the data do not fit together."""


@dataclass(frozen=True)
class Part:
    """Samples of a data set, by their indices in it."""

    dataset: Any
    indices: Sequence[int]

    def __len__(self) -> int:
        return len(self.indices)

    def spread(self, count: int) -> list[int]:
        """Up to so many of the indices, evenly spread; of data in many files, from one file alone."""
        among = self.indices
        if isinstance(self.dataset, ShardSet):
            first = self.dataset.blocks(among)[0].slices[0]
            among = among[first.begin : first.end]
        count = min(count, len(among))
        return [among[i * len(among) // count] for i in range(count)]


@dataclass(frozen=True)
class Data:
    """`train` and `validation` (None without a split); `whole` is what `model` and `groups` see."""

    train: Part
    validation: Part | None
    whole: Any
    stratified: bool = False
    grouped: bool = False
    split_given: bool = False

    @property
    def is_stream(self) -> bool:
        """Whether what is trained on comes without an order (an IterableDataset)."""
        return isinstance(self.train.dataset, IterableDataset)


def prepare(task: Task, spec: DataSpec, seed: int) -> Data:
    """The parts of the task's data; raises DataError where there is nothing to train on.

    Where the run's loader process has the samples in memory, and nothing in the task asks for the data sets
    themselves, they are not made anew.
    """
    if not task.has("dataset"):
        _refuse_epoch_steps(spec)
        shards = ShardSet.of(spec, task.args)
        return _own_split(shards, shards, spec, seed, _groups(task, shards))
    if (stored := _stored(task, spec)) is not None:
        return _of_stored(stored, spec, seed)
    train, validation = _stages(task, seed)
    if _is_streamed(train):
        return _streamed(train, validation, spec, seed)
    _refuse_epoch_steps(spec)
    if isinstance(train, tuple):
        return _given_split(train, validation, spec, seed)
    _check(train, "dataset()")
    if validation is not train:
        _check(validation, "dataset() for stage 'validation'")
        if len(validation) != len(train):
            raise DataError(
                f"dataset() gives {len(train)} samples for stage 'train', {len(validation)} for 'validation' "
                "(the same samples in the same order, or a tuple (train, validation))"
            )
    return _own_split(train, validation, spec, seed, _groups(task, train))


def _refuse_epoch_steps(spec: DataSpec) -> None:
    if spec.epoch_steps is not None:
        raise EpochError("the data has an end: an epoch is a pass over it (leave it out)")


def _is_streamed(train: Any) -> bool:
    first = train[0] if isinstance(train, tuple) and train else train
    return isinstance(first, IterableDataset)


def _streamed(train: Any, validation: Any, spec: DataSpec, seed: int) -> Data:
    """Samples without an order to train on, and those that are held out, which need one."""
    is_pair = isinstance(train, tuple) and len(train) == len(validation) == 2
    stream = train[0] if isinstance(train, tuple) else train
    part = Part(stream, range(_length_of(stream, spec)))
    if not spec.split:
        return Data(part, None, stream, split_given=True)
    if not is_pair:
        raise DataError(
            "dataset() gives an IterableDataset, of which nothing can be held out "
            "(a tuple (train, validation), the second with a length)"
        )
    held = validation[1]
    _check(held, "the validation part of dataset()")
    return Data(part, Part(held, list(range(len(held)))), stream, split_given=True)


def _length_of(stream: Any, spec: DataSpec) -> int:
    """Samples of an epoch as far as they are known ahead, 0 where `epoch_steps` says how long it is."""
    if spec.epoch_steps is not None:
        return 0
    try:
        return len(stream)
    except TypeError:
        raise EpochError(
            'the data has no length: say what counts as an epoch ([training] epoch = "500 steps")'
        ) from None


def _stored(task: Task, spec: DataSpec) -> Stored | None:
    if spec.resident is None or not may_replace(task):
        return None
    if spec.resident["split_given"] and not spec.split:
        return None  # both parts together, as they are for training, is what the loader has not seen
    try:
        return Stored(spec.resident)
    except OSError:
        return None


def _of_stored(stored: Stored, spec: DataSpec, seed: int) -> Data:
    train, validation = stored.datasets["train"], stored.datasets["validation"]
    if stored.split_given:
        return _given_split((train, validation), (train, validation), spec, seed)
    return _own_split(train, validation, spec, seed, stored.groups)


def group_numbers(task: Task, dataset: Any) -> list[int] | None:
    """The task's groups as numbers, equal for equal ids, in the order in which they first come."""
    groups = _groups(task, dataset)
    if groups is None:
        return None
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(group, len(numbers)) for group in groups]


def labels_of(dataset: Any) -> list[int] | None:
    """One integer label a sample, where the data set says so itself; None where it does not."""
    if isinstance(dataset, Subset):
        labels = labels_of(dataset.dataset)
        return None if labels is None else [labels[i] for i in dataset.indices]
    if isinstance(dataset, ConcatDataset):
        parts = [labels_of(part) for part in dataset.datasets]
        return None if any(p is None for p in parts) else [label for p in parts if p for label in p]
    for candidate in _label_candidates(dataset):
        if (labels := _as_labels(candidate, len(dataset))) is not None:
            return labels
    return None


def _label_candidates(dataset: Any) -> list[Any]:
    if isinstance(dataset, TensorDataset):
        return [dataset.tensors[-1]] if len(dataset.tensors) > 1 else []
    return [getattr(dataset, name, None) for name in ("targets", "labels", "y")]


def _as_labels(values: Any, count: int) -> list[int] | None:
    if values is None or isinstance(values, (str, bytes)):
        return None
    try:
        tensor = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        return None
    if tensor.dim() != 1 or len(tensor) != count or tensor.is_floating_point() or tensor.is_complex():
        return None
    labels: list[int] = tensor.to(torch.int64).tolist()
    return labels


def _stages(task: Task, seed: int) -> tuple[Any, Any]:
    """What `dataset` gives for each stage, drawn from equal seeds; one object if it takes no stage."""
    made = []
    for stage in STAGES if task.takes("dataset", "stage") else STAGES[:1]:
        seed_all(derive(seed, "dataset"))
        made.append(task.call("dataset", stage=stage))
    if len(made) == 2 and isinstance(made[0], tuple) is not isinstance(made[1], tuple):
        raise DataError("dataset() gives a tuple for one stage and not for the other (the same for both)")
    return made[0], made[-1]


def _given_split(train: tuple[Any, ...], validation: Any, spec: DataSpec, seed: int) -> Data:
    if len(train) != 2 or len(validation) != 2:
        raise DataError(f"dataset() gives a tuple of {len(train)} (a data set, or two: (train, validation))")
    for dataset, name in ((train[0], "training"), (train[1], "validation"), (validation[1], "validation")):
        _check(dataset, f"the {name} part of dataset()")
    if not spec.split:
        both: Any = ConcatDataset([train[0], train[1]])
        indices = take_share(list(range(len(both))), spec.share, seed, "train", labels_of(both))
        return Data(Part(both, indices), None, train[0], labels_of(both) is not None, split_given=True)
    parts, labels = [], []
    for dataset, stage in ((train[0], "train"), (validation[1], "validation")):
        labels.append(labels_of(dataset))
        parts.append(
            Part(dataset, take_share(list(range(len(dataset))), spec.share, seed, stage, labels[-1]))
        )
    return Data(parts[0], parts[1], train[0], None not in labels, split_given=True)


def _own_split(
    train: Any, validation: Any, spec: DataSpec, seed: int, groups: Sequence[Hashable] | None
) -> Data:
    labels = labels_of(train)
    everything = list(range(len(train)))
    held_in, held_out = split(len(train), spec.validation, seed, groups) if spec.split else (everything, [])
    known = {"stratified": labels is not None, "grouped": groups is not None}
    kept = take_share(held_in, spec.share, seed, "train", labels)
    if not spec.split:
        return Data(Part(train, kept), None, train, **known)
    held = take_share(held_out, spec.share, seed, "validation", labels)
    if not held or not kept:
        which = "validation" if not held else "training"
        raise DataError(
            f"no sample is left for the {which} part: {len(train)} samples, "
            f"{spec.validation:g} of them held out" + (" in whole groups" if groups is not None else "")
        )
    return Data(Part(train, kept), Part(validation, held), train, **known)


def _groups(task: Task, dataset: Any) -> Sequence[Hashable] | None:
    if not task.has("groups"):
        return None
    given = task.call("groups", dataset=dataset)
    try:
        groups = given.tolist() if hasattr(given, "tolist") else list(given)
        hash(tuple(groups))
    except TypeError:
        said = f"groups() gives {type(given).__name__}"
        raise DataError(f"{said}, and a list with one id a sample is needed: a number or a text") from None
    if len(groups) != len(dataset):
        raise DataError(f"groups() gives {len(groups)} ids for {len(dataset)} samples (one a sample)")
    return groups


def _check(dataset: Any, name: str) -> None:
    if isinstance(dataset, IterableDataset):
        raise DataError(f"{name} is an IterableDataset (one with a length and an order)")
    if dataset is None:
        raise DataError(f"{name} gives None (a torch Dataset)")
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise DataError(f"{name} gives {type(dataset).__name__} (a torch Dataset with a length)")
    if len(dataset) == 0:
        raise DataError(f"{name} is empty")


__all__ = ["Data", "DataError", "Dataset", "Part", "labels_of", "prepare"]
