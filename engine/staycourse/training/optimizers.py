"""Optimizers by name.

`find("adamw")` gives any class of `torch.optim` whatever the case; `build(task, model, setup)` makes it with
those entries of the set-up that are arguments of its constructor, or calls the task's own `optimizer`.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from staycourse.core.problems import UserError, nearest
from staycourse.core.schedules import DEFAULT_BATCH_SIZE
from staycourse.task.contract import Setup, Task

DEFAULT_OPTIMIZER = "adamw"

_NOT_ARGUMENTS = {"self", "params"}
_NEEDS_CLOSURE = {"lbfgs"}


class UnknownOptimizer(UserError):
    """The set-up names an optimizer that torch.optim does not have, or that the loop cannot drive."""


def known() -> dict[str, type[torch.optim.Optimizer]]:
    """Lower-case name to class, for every optimizer of the installed torch."""
    classes = (value for value in vars(torch.optim).values() if isinstance(value, type))
    return {
        c.__name__.lower(): c
        for c in classes
        if issubclass(c, torch.optim.Optimizer) and c is not torch.optim.Optimizer
    }


def find(name: str) -> type[torch.optim.Optimizer]:
    """The class of that name, whatever the case; raises UnknownOptimizer."""
    classes = known()
    key = str(name).lower()
    if key not in classes:
        hint = nearest(key, set(classes) - _NEEDS_CLOSURE)
        raise UnknownOptimizer(f"torch.optim has no optimizer '{name}' ({hint})")
    if key in _NEEDS_CLOSURE:
        raise UnknownOptimizer(
            f"'{name}' evaluates the loss several times a step, which the training loop does not do "
            "(adamw, adam and sgd do one)"
        )
    return classes[key]


def arguments(optimizer: type[torch.optim.Optimizer]) -> set[str]:
    """Names of the constructor's arguments that a set-up may fill."""
    return set(inspect.signature(optimizer).parameters) - _NOT_ARGUMENTS


def build(task: Task, model: nn.Module, setup: Setup) -> torch.optim.Optimizer:
    """The optimizer of a set-up, over the parameters that want a gradient."""
    if task.has("optimizer"):
        made = task.call("optimizer", model=model, hp=setup)
        if not isinstance(made, torch.optim.Optimizer):
            raise UserError(
                f"optimizer() returns {type(made).__name__}, and a torch.optim.Optimizer is needed"
            )
        return made
    chosen = find(str(setup.get("optimizer", DEFAULT_OPTIMIZER)))
    settings: dict[str, Any] = {name: setup[name] for name in arguments(chosen) if name in setup}
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise UserError("model() has no parameter that can be trained")
    make: Any = chosen
    optimizer: torch.optim.Optimizer = make(parameters, **settings)
    return optimizer


def batch_size(setup: Setup) -> int:
    """The set-up's batch size, before any schedule."""
    return int(setup.get("batch_size", DEFAULT_BATCH_SIZE))
