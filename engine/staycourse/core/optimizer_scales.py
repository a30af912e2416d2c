"""Optimizers with learning rates of different scales: with one range for all, an elimination is unfair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from staycourse.core.phases.base import Outlook, Phase
from staycourse.core.problems import Problem
from staycourse.core.space import Choice, Interval, Value, format_value

# A step of those that divide the gradient by its size is about the learning rate itself; a step of gradient
# descent is that of the gradient, so its learning rates are commonly 10 to 1000 times as large; Adadelta's
# factor is 1 by its construction (Zeiler: ADADELTA, an adaptive learning rate method, 2012).
_SCALES = {
    "adam": ("adam", "adamw", "adamax", "nadam", "radam", "sparseadam", "rmsprop"),
    "gradient": ("sgd", "asgd"),
    "adadelta": ("adadelta",),
}
_SCALE_OF = {name: scale for scale, names in _SCALES.items() for name in names}


def scale_warnings(phase: Phase, outlook: Outlook, at: int) -> list[Problem]:
    """Optimizers among which the phase eliminates by name, of different scales, with one range of `lr`."""
    eliminated: Sequence[str] = getattr(phase, "eliminate", ())
    names = outlook.space.names
    if "optimizer" not in eliminated or "lr" not in names or "optimizer" not in names:
        return []
    lr, choice = outlook.space.get("lr"), outlook.space.get("optimizer")
    if not isinstance(lr, Interval) or not isinstance(choice, Choice):
        return []
    pair = _under_one_range(lr, choice.options)
    if pair is None:
        return []
    first, second = map(format_value, pair)
    said = f"{first} and {second} are judged over one range of lr, and their learning rates differ in scale"
    other = second if _scale(pair[0]) == "adam" else first
    right = f"by = {{ optimizer = {{ {other} = [low, high] }} }}"
    return [Problem(("phase", at, "eliminate", list(eliminated).index("optimizer")), said, right)]


def _under_one_range(lr: Interval, optimizers: Sequence[Value]) -> tuple[Value, Value] | None:
    """Two optimizers of different scales with the same bounds, if there are."""
    for one, other in combinations(optimizers, 2):
        scales = {_scale(one), _scale(other)}
        if None not in scales and len(scales) == 2 and _given(lr, one) == _given(lr, other):
            return one, other
    return None


def _given(lr: Interval, optimizer: Value) -> Interval:
    return lr.given({"optimizer": optimizer})


def _scale(optimizer: Value) -> str | None:
    return _SCALE_OF.get(str(optimizer).lower())
