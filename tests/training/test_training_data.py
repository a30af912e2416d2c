"""The split, the share, groups and labels, through real data sets."""

from __future__ import annotations

from collections import Counter, OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.trials import BLOBS, write_task
from torch import nn
from torch.utils.data import ConcatDataset, Subset, TensorDataset

from staycourse.core.job import DataSpec
from staycourse.task.contract import Task
from staycourse.training.ahead import is_plain
from staycourse.training.data import Data, DataError, labels_of, prepare
from staycourse.training.device import to_device
from staycourse.training.split import split, take_share

HEAD = """
import torch
from torch import nn
from torch.utils.data import TensorDataset, Dataset, IterableDataset, random_split
def model(): return nn.Linear(1, 1)
def loss(model, batch): return model(batch[0]).mean()
"""


def data_of(tmp_path: Path, source: str, seed: int = 7, **spec: Any) -> Data:
    return prepare(Task.load(write_task(tmp_path, HEAD + source)), DataSpec(**spec), seed)


def test_the_split_is_the_seeds_alone(tmp_path: Path) -> None:
    parts = [split(100, 0.2, seed) for seed in (1, 1, 2)]
    assert parts[0] == parts[1] != parts[2]
    train, held = parts[0]
    assert len(held) == 20
    assert sorted(train + held) == list(range(100))


@pytest.mark.parametrize("seed", range(8))
def test_groups_are_never_split(seed: int) -> None:
    groups = [f"speaker {i * i % 13}" for i in range(200)]
    train, held = split(200, 0.25, seed, groups)
    assert not {groups[i] for i in train} & {groups[i] for i in held}
    assert 0 < len(held) <= 80
    assert sorted(train + held) == list(range(200))


def test_a_group_bigger_than_the_share_is_held_out_whole() -> None:
    train, held = split(10, 0.1, 0, ["a"] * 5 + ["b"] * 5)
    assert len(train) == len(held) == 5


def test_the_share_keeps_the_proportions_of_the_labels() -> None:
    labels = [0] * 600 + [1] * 300 + [2] * 100
    kept = take_share(list(range(1000)), 0.5, 3, "train", labels)
    assert Counter(labels[i] for i in kept) == {0: 300, 1: 150, 2: 50}
    assert kept == sorted(set(kept))
    assert kept == take_share(list(range(1000)), 0.5, 3, "train", labels)
    assert kept != take_share(list(range(1000)), 0.5, 4, "train", labels)


def test_a_share_of_odd_counts_still_has_the_right_size() -> None:
    labels = [0] * 7 + [1] * 5 + [2] * 3
    assert len(take_share(list(range(15)), 0.5, 0, "train", labels)) == 8
    assert len(take_share(list(range(15)), 0.5, 0, "train")) == 8
    assert len(take_share([3], 0.1, 0, "train")) == 1


def test_split_then_share_of_both_parts(tmp_path: Path) -> None:
    source = "def dataset(): return TensorDataset(torch.randn(1000, 1), torch.arange(1000) % 4)\n"
    whole, half = data_of(tmp_path, source), data_of(tmp_path, source, share=0.5)
    assert whole.validation is not None
    assert half.validation is not None
    assert (len(half.train), len(half.validation)) == (400, 100)
    assert set(half.train.indices) < set(whole.train.indices)
    assert set(half.validation.indices) < set(whole.validation.indices)
    assert half.stratified
    counts = Counter(i % 4 for i in half.train.indices)
    expected = Counter(i % 4 for i in whole.train.indices)
    assert all(abs(counts[label] - expected[label] / 2) <= 1 for label in range(4))


def test_labels_are_found_where_a_data_set_says_them() -> None:
    tensors = TensorDataset(torch.randn(4, 2), torch.tensor([0, 1, 1, 0]))
    assert labels_of(tensors) == [0, 1, 1, 0]
    assert labels_of(Subset(tensors, [1, 3])) == [1, 0]
    assert labels_of(ConcatDataset([tensors, tensors])) == [0, 1, 1, 0] * 2
    assert labels_of(TensorDataset(torch.randn(4, 2), torch.randn(4))) is None
    assert labels_of(TensorDataset(torch.arange(4))) is None

    class Named(torch.utils.data.Dataset[int]):
        targets = ["cat", "dog"]
        labels = [1, 0]

        def __len__(self) -> int:
            return 2

    assert labels_of(Named()) == [1, 0]


def test_a_split_that_the_task_gives_is_kept(tmp_path: Path) -> None:
    source = (
        "def dataset(stage):\n"
        "    x = torch.arange(30.)[:, None] + (0.5 if stage == 'train' else 0)\n"
        "    return TensorDataset(x[:20]), TensorDataset(x[20:])\n"
    )
    data = data_of(tmp_path, source, validation=0.9)
    assert data.validation is not None
    assert (len(data.train), len(data.validation)) == (20, 10)
    assert data.train.dataset[0][0].item() == 0.5
    assert data.validation.dataset[0][0].item() == 20.0
    final = data_of(tmp_path, source, split=False)
    assert (len(final.train), final.validation) == (30, None)
    assert [final.train.dataset[i][0].item() for i in (0, 29)] == [0.5, 29.5]


def test_a_random_split_of_the_tasks_own_is_the_same_for_both_stages(tmp_path: Path) -> None:
    source = (
        "def dataset(stage):\n"
        "    whole = TensorDataset(torch.arange(50.)[:, None])\n"
        "    return tuple(random_split(whole, [40, 10]))\n"
    )
    data = data_of(tmp_path, source)
    assert data.validation is not None
    values = [{part.dataset[i][0].item() for i in part.indices} for part in (data.train, data.validation)]
    assert not values[0] & values[1]


def test_stages_are_the_same_samples_with_another_look(tmp_path: Path) -> None:
    source = "def dataset(stage): return TensorDataset(torch.arange(20.)[:, None] * FACTOR[stage])\n"
    source += "FACTOR = {'train': 1, 'validation': 10}\n"
    data = data_of(tmp_path, source)
    assert data.validation is not None
    index = data.validation.indices[-1]
    assert data.validation.dataset[index][0].item() == 10 * index


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def dataset(): return TensorDataset(torch.ones(0, 1))\n", "empty"),
        (
            "def dataset(): return (TensorDataset(torch.ones(3, 1)), TensorDataset(torch.ones(0, 1)))\n",
            "empty",
        ),
        ("def dataset(): return None\n", "gives None"),
        ("def dataset(): return 5\n", "gives int"),
        (
            "class S(IterableDataset):\n    def __iter__(self): yield 1\ndef dataset(): return S()\n",
            "no length: say what counts as an epoch",
        ),
        ("def dataset(): return TensorDataset(torch.ones(1, 1))\n", "no sample is left"),
        (
            "def dataset(stage): return TensorDataset(torch.ones(5 if stage == 'train' else 4, 1))\n",
            "5 samples for stage 'train', 4 for 'validation'",
        ),
        (
            "def dataset(): return TensorDataset(torch.ones(5, 1))\ndef groups(dataset): return [1, 2]\n",
            "2 ids for 5 samples",
        ),
        (
            "def dataset(): return TensorDataset(torch.ones(5, 1))\n"
            "def groups(dataset): return torch.arange(5)[:, None]\n",
            "groups.. gives Tensor, and a list with one id a sample is needed",
        ),
        (
            "def dataset(): return TensorDataset(torch.ones(9, 1))\ndef groups(dataset): return [1] * 9\n",
            "no sample is left for the training part",
        ),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        data_of(tmp_path, source)


def test_groups_from_the_task_are_kept_together(tmp_path: Path) -> None:
    source = (
        "def dataset(): return TensorDataset(torch.arange(90.)[:, None])\n"
        "def groups(dataset): return torch.arange(90) // 7\n"
    )
    data = data_of(tmp_path, source)
    assert data.grouped
    assert data.validation is not None
    assert not {i // 7 for i in data.train.indices} & {i // 7 for i in data.validation.indices}


def test_equal_seeds_make_equal_data_for_every_trial(tmp_path: Path) -> None:
    task = Task.load(write_task(tmp_path, BLOBS))
    first, second = prepare(task, DataSpec(), 7), prepare(task, DataSpec(), 7)
    assert torch.equal(first.whole.tensors[0], second.whole.tensors[0])
    assert first.train.indices == second.train.indices
    assert not torch.equal(first.whole.tensors[0], prepare(task, DataSpec(), 8).whole.tensors[0])


def test_batches_of_any_make_keep_their_make_on_the_way_to_a_device() -> None:
    Pair = namedtuple("Pair", "x y")
    batch = {"pair": Pair(torch.ones(2), 3), "list": [torch.zeros(1), None], "tuple": ("text", torch.ones(1))}
    moved = to_device(batch, torch.device("meta"))
    assert isinstance(moved["pair"], Pair)
    assert moved["pair"].x.is_meta
    assert moved["list"][0].is_meta
    assert moved["tuple"][1].is_meta
    assert (moved["pair"].y, moved["list"][1], moved["tuple"][0]) == (3, None, "text")


def test_packed_sequences_and_classes_of_dicts_stay_what_they_are_on_the_way_to_a_device() -> None:
    packed = nn.utils.rnn.pack_sequence([torch.ones(3, 2), torch.ones(1, 2)])
    moved = to_device({"packed": packed, "named": OrderedDict(x=torch.ones(1))}, torch.device("meta"))
    assert isinstance(moved["packed"], nn.utils.rnn.PackedSequence)
    assert moved["packed"].data.is_meta
    assert not moved["packed"].batch_sizes.is_meta, "torch wants them on the CPU"
    assert type(moved["named"]) is OrderedDict
    assert moved["named"]["x"].is_meta


def test_what_is_copied_beside_the_work_are_batches_of_plain_tensors() -> None:
    x = torch.eye(3)
    assert is_plain({"x": [x, "text"], "y": (x, 3)})
    assert not is_plain({"x": [x, x.to_sparse()]}), "its memory is that of two others"
    assert not is_plain((x, nn.utils.rnn.pack_sequence([x])))
