"""The order in which a part's samples come: a new one each epoch for training, its own for validation."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from staycourse.training.data import Part
from staycourse.training.randomness import Randomness
from staycourse.training.shards.dataset import ShardSet
from staycourse.training.shards.order import Block

Ordered = tuple[Sequence[int], Sequence[Block] | None]


def training_order(part: Part, randomness: Randomness, epoch: int) -> Ordered:
    """The order of an epoch (from 1), and the blocks of files that it goes through if there are files.

    It is the same for every set-up, and for every data path.
    """
    if isinstance(part.dataset, ShardSet):
        return _through(part.dataset.blocks(part.indices, randomness.order_seed(epoch)))
    return randomness.order(epoch, len(part)), None


def validation_order(part: Part) -> Ordered:
    """The part's samples as they come."""
    if isinstance(part.dataset, ShardSet):
        return _through(part.dataset.blocks(part.indices))
    return range(len(part)), None


def _through(blocks: Sequence[Block]) -> Ordered:
    places: list[int] = torch.cat([block.places() for block in blocks]).tolist()
    return places, blocks
