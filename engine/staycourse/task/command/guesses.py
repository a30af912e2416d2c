"""What a script's arguments may mean, by their names in the field: guesses for its author to correct."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from staycourse.task.command.script_arguments import Argument

# Of several that fit, the first name here.
_VALUES: dict[str, tuple[str, ...]] = {
    "epochs": ("epochs", "num_epochs", "n_epochs", "max_epochs", "nepochs", "num_train_epochs", "epoch"),
    "seed": ("seed", "random_seed", "manual_seed", "manualseed"),
    "checkpoint": (
        "save", "checkpoint", "save_path", "out", "output", "output_dir", "outdir", "save_dir",
        "checkpoint_dir", "ckpt", "outf", "work_dir", "log_dir", "logdir",
    ),
    "resume": ("resume", "resume_from", "resume_from_checkpoint", "load", "checkpoint_path", "ckpt_path"),
    "data": ("subset", "data_fraction", "fraction", "train_fraction", "data_share", "limit_train_batches"),
    "device": ("device",),
}  # fmt: skip
_SWITCHES = {
    "all": ("no_val", "no_validation", "no_valid", "no_eval", "train_on_all", "full_data", "use_all")
}
_RATES = ("lr", "learning_rate", "base_lr", "weight_decay", "wd", "eps")
_BATCHES = ("batch_size", "bs", "batch", "train_batch_size", "per_device_train_batch_size", "bsz")
_SHARES = ("dropout", "drop", "drop_rate", "drop_path", "label_smoothing", "mixup")
_MOMENTA = ("momentum", "beta1", "beta2", "gamma", "ema")
_KINDS = ("optimizer", "optim", "opt", "schedule", "scheduler", "lr_scheduler_type")
_SIZES = re.compile(r"hidden|nhid|em_?size|width|(^|_)dim|layers|depth|heads|channels")
_NO_HYPERPARAMETER = re.compile(
    r"log|print|interval|freq|worker|thread|gpu|cuda|mps|port|rank|world|dist|debug|verbose|dry|path|dir|"
    r"test|eval|save|version|local|project|wandb|tensorboard|num_classes|threads|profil"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEARCHED_AT_MOST = 6


@dataclass(frozen=True)
class Proposed:
    """A hyperparameter for `[space]`: `searched` ones are put in, others stand there as comments."""

    argument: Argument
    range: str
    searched: bool

    @property
    def key(self) -> str:
        return self.argument.key


def meanings(arguments: Iterable[Argument]) -> dict[str, Argument]:
    """What the script can be told (a placeholder's name, or that of a flag), by which argument."""
    known = list(arguments)
    found = {}
    for table, is_switch in ((_VALUES, False), (_SWITCHES, True)):
        for meaning, names in table.items():
            fitting = [a for a in known if a.key.lower() in names and a.is_switch == is_switch]
            if fitting:
                found[meaning] = min(fitting, key=lambda a: names.index(a.key.lower()))
    return found


def proposed(arguments: Iterable[Argument]) -> list[Proposed]:
    """Those that may be hyperparameters, in their order; a few of them are worth searching."""
    found: list[Proposed] = []
    for argument in arguments:
        guess = None if argument.is_true_whatever_is_said else _guess(argument)
        if guess is not None and _NAME.fullmatch(argument.key):
            is_searched = guess[1] and sum(each.searched for each in found) < _SEARCHED_AT_MOST
            found.append(Proposed(argument, guess[0], is_searched))
    return found


def _guess(argument: Argument) -> tuple[str, bool] | None:
    """A range, and whether it is worth searching; None for what is no hyperparameter, a path say."""
    key = argument.key.lower()
    if argument.choices:
        options = json.dumps([str(choice) for choice in argument.choices])
        return f"{{ choice = {options} }}", key in _KINDS
    if _NO_HYPERPARAMETER.search(key):
        return None
    if argument.action in ("store_true", "BooleanOptionalAction"):
        return "{ choice = [true, false] }", False
    return _guess_number(argument, key) if _is_number(argument) else None


def _guess_number(argument: Argument, key: str) -> tuple[str, bool] | None:
    default = argument.default
    known = float(default) if isinstance(default, (int, float)) and not isinstance(default, bool) else None
    rules: tuple[tuple[bool, Callable[[], str], bool], ...] = (
        (key in _RATES, lambda: _rate(known), True),
        (key in _BATCHES, lambda: _batch(int(known or 64)), True),
        (key in _SHARES and 0 <= (known or 0) < 1, lambda: "{ range = [0.0, 0.5] }", key.startswith("drop")),
        (key in _MOMENTA and 0 < (known or 0) < 1, lambda: _momentum(known or 0.9), False),
        (bool(_SIZES.search(key)) and (known or 0) >= 1, lambda: _size(int(known or 1)), False),
        (known is not None, lambda: text_of(default), False),
    )
    return next(((make(), is_searched) for fits, make, is_searched in rules if fits), None)


def _rate(known: float | None) -> str:
    centre = known or 1e-3
    return f"{{ log = [{text_of(centre / 30)}, {text_of(centre * 10)}] }}"


def _batch(known: int) -> str:
    return f"{{ log = [{max(1, known // 4)}, {max(2, known * 4)}], integer = true }}"


def _momentum(known: float) -> str:
    return f"{{ range = [{text_of(max(0.0, 1 - 3 * (1 - known)))}, {text_of(1 - (1 - known) / 3)}] }}"


def _size(known: int) -> str:
    return f"{{ log = [{max(1, known // 2)}, {known * 2}], integer = true }}"


def _is_number(argument: Argument) -> bool:
    is_plain = isinstance(argument.default, (int, float)) and not isinstance(argument.default, bool)
    return argument.type in ("int", "float") or (argument.type is None and is_plain)


def text_of(value: Any) -> str:
    """A value as TOML writes it, floats to three significant digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:.3g}"
        return short if {*short}.intersection(".en") else f"{short}.0"
    return json.dumps(value) if isinstance(value, (str, list, tuple)) else str(value)
