"""Set-ups that between them take every option of every choice: far fewer than the product of all options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from staycourse.core.problems import Problem
from staycourse.core.schedules import DEFAULT_BATCH_SIZE
from staycourse.core.space import Choice, Fixed, Interval, Setup, Space, Value, options


def covering(space: Space) -> list[dict[str, Value]]:
    """Set-ups in which each option of each choice is taken at least once; ranges stand at their middle.

    A choice that exists only under a condition is tried where the condition holds.
    """
    found: list[dict[str, Value]] = []
    for wanted in _wanted(space):
        setup = space.active(_filled(space, wanted))
        if setup not in found:
            found.append(setup)
    return found


def completed(space: Space, values: Setup) -> dict[str, Value]:
    """A set-up with `values`, what they leave open taken as in the others."""
    return {**space.active(_filled(space, values)), **values}


def differing(setup: Setup, setups: list[dict[str, Value]]) -> dict[str, Value]:
    """The options that set a set-up apart from others: what to name when only it goes wrong."""
    first = setups[0]
    apart = {name: value for name, value in setup.items() if first.get(name) != value}
    if apart or len(setups) == 1:
        return apart
    others = setups[1:]
    return {
        name: value
        for name, value in setup.items()
        if any(name in other and other[name] != value for other in others)
    }


def _wanted(space: Space) -> Iterator[dict[str, Value]]:
    yield {}
    for h in filter(space.can_exist, space):
        if isinstance(h, Choice):
            for option in h.options:
                yield {**_conditions(space, h.name), h.name: option}
        elif h.when:
            yield _conditions(space, h.name)


def _conditions(space: Space, name: str) -> dict[str, Value]:
    """Options under which a hyperparameter exists, those of the choices it depends on included."""
    values: dict[str, Value] = {}
    for condition in space.get(name).when:
        values |= _conditions(space, condition.on)
        left = options(space.get(condition.on))
        values[condition.on] = next(option for option in condition.options if option in left)
    return values


def _filled(space: Space, wanted: Setup) -> dict[str, Value]:
    """`wanted`, and for the others the first option or the middle of the range under the options so far."""
    values = dict(wanted)
    for h in space.hyperparameters:
        if isinstance(h, Interval):
            values.setdefault(h.name, h.given(space.active(values)).from_unit(0.5))
        elif isinstance(h, Choice):
            values.setdefault(h.name, h.options[0])
    return values


def largest_batch(space: Space) -> int:
    """The largest batch size that the space holds, the default where it has none."""
    for h in space:
        if h.name == "batch_size":
            if isinstance(h, Interval):
                return max(int(here.high) for here in space.ranges(h).values())
            values = [h.value] if isinstance(h, Fixed) else list(h.options) if isinstance(h, Choice) else []
            return max(int(value) for value in values)
    return DEFAULT_BATCH_SIZE


def too_small(count: int, shares: Iterable[float], largest: int, space: Space) -> Problem | None:
    """What is wrong with `count` samples to train on, of which phases take these shares, and batches of up to
    `largest`; None if nothing is."""
    for share in sorted(set(shares)):
        left = max(1, round(count * share))
        if left < largest:
            part = "" if share >= 1 else f" and a share of {share:g}"
            path = ("space", "batch_size") if "batch_size" in space.names else ("task", "file")
            said = (
                f"the data set is smaller than a batch: after the split{part}, {left} samples are left to "
                f"train on, and a batch has up to {largest}"
            )
            return Problem(path, said, f"batches of at most {left}")
    return None
