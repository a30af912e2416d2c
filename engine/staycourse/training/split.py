"""Which samples are trained on and which are held out: pure functions of counts, seeds, labels and groups."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch

from staycourse.core.seeds import derive


def split(
    count: int, share: float, seed: int, groups: Sequence[Hashable] | None = None
) -> tuple[list[int], list[int]]:
    """Indices (training, validation), ascending; `share` of the samples is held out.

    With `groups`, one id a sample, no group has samples in both parts; whole groups are held out, in a
    seeded order, as long as they fit, and at least one.
    """
    generator = torch.Generator().manual_seed(derive(seed, "split"))
    wanted = round(count * share)
    if groups is None:
        order: list[int] = torch.randperm(count, generator=generator).tolist()
        return sorted(order[wanted:]), sorted(order[:wanted])
    held = _whole_groups(groups, wanted, generator)
    return (
        [i for i in range(count) if groups[i] not in held],
        [i for i in range(count) if groups[i] in held],
    )


def _whole_groups(groups: Sequence[Hashable], wanted: int, generator: torch.Generator) -> set[Hashable]:
    sizes: dict[Hashable, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    names = list(sizes)
    held: set[Hashable] = set()
    taken = 0
    for at in torch.randperm(len(names), generator=generator).tolist():
        if wanted and (taken + sizes[names[at]] <= wanted or not held):
            held.add(names[at])
            taken += sizes[names[at]]
    return held


def take_share(
    indices: list[int], share: float, seed: int, part: str, labels: Sequence[int] | None = None
) -> list[int]:
    """A fixed, seeded subset of `indices`, ascending, at least one sample; each label its share where known.

    `labels` holds one label a sample of the whole data set.
    """
    if share >= 1.0 or not indices:
        return indices
    generator = torch.Generator().manual_seed(derive(seed, "share", part))
    wanted = max(1, round(len(indices) * share))
    shuffled = [indices[i] for i in torch.randperm(len(indices), generator=generator).tolist()]
    if labels is None:
        return sorted(shuffled[:wanted])
    by_label: dict[int, list[int]] = {}
    for index in shuffled:
        by_label.setdefault(int(labels[index]), []).append(index)
    quotas = _largest_remainder({label: len(items) for label, items in sorted(by_label.items())}, wanted)
    return sorted(index for label, quota in quotas.items() for index in by_label[label][:quota])


def _largest_remainder(sizes: dict[int, int], wanted: int) -> dict[int, int]:
    """`wanted` seats over parties of these sizes (Hamilton's method); ties go to the smaller label."""
    total = sum(sizes.values())
    seats = {label: size * wanted // total for label, size in sizes.items()}
    left = wanted - sum(seats.values())
    for label in sorted(sizes, key=lambda name: (-(sizes[name] * wanted % total), name))[:left]:
        seats[label] += 1
    return seats
