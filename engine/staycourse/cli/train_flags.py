"""The flags of `staycourse train`: the engine's own, each of the task's arguments, each hyperparameter."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Where a flag's value belongs in the document of core.experiment, by the flag's name; what it is for.
_OWN: tuple[tuple[str, str, str, str], ...] = (
    ("metric", "objective", "NAME", "what the best epoch is judged by (default: val_loss)"),
    ("goal", "objective", "min|max", "which way is better (default: min)"),
    ("validation", "data", "SHARE", "share of the data held out (default: 0.2)"),
    ("workers", "data", "N|auto", "loader workers (default: auto)"),
    ("files", "data", "LIST", 'patterns of data files, ["data/*.pt"]'),
    ("buffer", "data", "SIZE", "memory for data in files, 1 GiB"),
    ("precision", "training", "fp32|bf16|fp16", "precision of the forward pass (default: fp32)"),
    ("grad_clip", "training", "NORM", "bound on the gradient's norm"),
    ("ema", "training", "DECAY", "decay of averaged weights"),
    ("accumulate", "training", "N", "batches an update (default: 1)"),
    ("epoch_steps", "training", "STEPS", 'what counts as an epoch of data without an end, "500 steps"'),
    ("teacher_cache", "training", "SIZE", "most bytes of a teacher's outputs that are kept"),
    ("validate_every", "training", "EPOCHS", "epochs between two validations (default: 1)"),
    ("threads", "limits", "N", "CPU threads (default: 1)"),
    ("checkpoint_every", "limits", "DURATION", "time between checkpoints, 5m"),
    ("trial_hours", "limits", "HOURS", "end after so many hours of training"),
)
# Where a flag has another name than the key: --epoch would be taken for --epochs.
_KEYS = {"epoch_steps": "epoch"}
_SWITCHES = (
    ("compile", "training", "compile the model"),
    ("exact", "data", "refuse data that answers differently each time (default: --exact)"),
    ("trusted", "data", "allow pickles in data files"),
)
# Read by the engine from any set-up.
ENGINE_HYPERPARAMETERS: Mapping[str, str] = {
    "lr": "learning rate",
    "batch_size": "samples a batch",
    "optimizer": "an optimizer of torch.optim by name, adamw",
    "weight_decay": "weight decay",
    "momentum": "momentum",
    "schedule": "a schedule of --schedules by name, or constant",
}


@dataclass
class Flags:
    """A parser, and where each of its destinations belongs: "hp" and "args" beside the tables."""

    parser: argparse.ArgumentParser
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


def own_flags(prog: str) -> Flags:
    """The engine's own."""
    parser = argparse.ArgumentParser(
        prog=prog,
        allow_abbrev=False,
        description="Train one experiment. Flags may also be said as --hp.NAME (a hyperparameter) or "
        "--args.NAME (an argument of the task), which tells namesakes apart. Values are read as in roadmaps.",
    )
    flags = Flags(parser)
    _add_length(flags, parser.add_argument_group("length and place"))
    _add_rules(flags, parser.add_argument_group("rules that may end it earlier"))
    group = parser.add_argument_group("data, updates and limits")
    for name, table, metavar, text in _OWN:
        place = (table, _KEYS.get(name, name))
        _add(flags, group, name, place, metavar=metavar, type=str, help=text)
    for name, table, text in _SWITCHES:
        _add(flags, group, name, (table, name), action=argparse.BooleanOptionalAction, help=text)
    _add(flags, group, "schedules", ("", "schedules"), metavar="TABLE", type=str,
         help="schedules by name, '{ late = { lr = { 60 = 0.1 } } }'")  # fmt: skip
    return flags


def _add_length(flags: Flags, group: Any) -> None:
    def add(name: str, **options: Any) -> None:
        _add(flags, group, name, ("", name), **options)

    add("epochs", metavar="N", type=_count, help="the schedule's horizon, and where it ends", required=True)
    add("stop_epoch", metavar="N", type=_count, help="where it ends before that")
    add("seed", metavar="N", type=int, default=0, help="all randomness comes from it (default: 0)")
    add("repetition", metavar="N", type=int, default=0, help="another draw at the same seed (default: 0)")
    _add(flags, group, "data", ("", "data_share"), metavar="SHARE", type=float, default=1.0,
         help="share of the data that is used (default: 1)")  # fmt: skip
    add("split", action=argparse.BooleanOptionalAction, default=True, help="hold data out (default: --split)")
    add("at_once", metavar="N", type=_count, help="most samples of a forward pass (default: a whole batch)")
    add("device", metavar="cpu|cuda:N", default="cpu", help="where it trains (default: cpu)")
    add("folder", metavar="DIR", default=".", help="where relative paths start (default: this folder)")
    flags.taken |= {"out", "o"}
    group.add_argument("-o", "--out", metavar="DIR", required=True, help="everything is written there")


def _add_rules(flags: Flags, group: Any) -> None:
    for name, kind, text in (
        ("patience", _count, "no improvement for so many epochs"),
        ("patience_from", int, "... not before this epoch"),
        ("min_delta", float, "... better by more than this"),
        ("smooth", _count, "... of the mean of so many values"),
        ("stop_metric", str, "... of this metric instead of --metric"),
    ):
        _add(flags, group, name, ("", name), metavar="NAME" if kind is str else "N", type=kind, help=text)


def add_hyperparameters(flags: Flags, found: Mapping[str, Any] | None, ranges: Mapping[str, str]) -> None:
    """A flag for each: those of the engine, and those that the task was `found` to read, with the default
    that its code gives; `ranges` are words of a roadmap's. Of a script (`found` is None) these alone."""
    group = flags.parser.add_argument_group("hyperparameters")
    engine = ENGINE_HYPERPARAMETERS if found is not None else {}
    found = found or {}
    for name in dict.fromkeys([*ranges, *engine, *found]):
        default = found.get(name)
        said = [ranges[name]] if name in ranges else []
        said += [engine[name]] if name in engine else []
        said += [f"default in the code: {default}"] if default is not None else []
        _add_value(flags, group, name, ("hp", name), _kind(default), "; ".join(said) or "read by the task")


def add_task_arguments(
    flags: Flags, arguments: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]
) -> None:
    """A flag for each argument of the task; `defaults` are a roadmap's."""
    group = flags.parser.add_argument_group("the task's own arguments")
    for argument in arguments:
        name, known = str(argument["dest"]), defaults.get(argument["dest"], argument["default"])
        said = [argument["help"]] if argument["help"] else []
        said += [f"one of {', '.join(map(str, argument['choices']))}"] if argument["choices"] else []
        said += [f"default: {known}"] if known is not None else []
        kind = (
            "switch"
            if argument["is_switch"]
            else "LIST"
            if argument["is_list"]
            else argument["type"] or "TEXT"
        )
        _add_value(flags, group, name, ("args", name), kind, "; ".join(said))


def _add_value(flags: Flags, group: Any, name: str, place: tuple[str, str], kind: str, text: str) -> None:
    """A name that is taken already can only be said with --hp. or --args. before it."""
    if not name.isidentifier():
        return
    if name in flags.taken:
        text = f"as --{place[0]}.{name}: {text}"
        group.add_argument(f"--{place[0]}.{name}", metavar=kind.upper(), dest=f"shown.{place[0]}.{name}",
                           help=_escaped(text))  # fmt: skip
    elif kind == "switch":
        _add(flags, group, name, place, action=argparse.BooleanOptionalAction, help=_escaped(text))
    else:
        _add(flags, group, name, place, metavar=kind.upper(), type=str, help=_escaped(text))


def _add(flags: Flags, group: Any, name: str, place: tuple[str, str], **options: Any) -> None:
    dest = ".".join(filter(None, place))
    dashed = f"--{name.replace('_', '-')}"
    spellings = [dashed] if options.get("action") else list(dict.fromkeys([dashed, f"--{name}"]))
    group.add_argument(*spellings, dest=dest, **{"default": None, **options})
    flags.places[dest] = place
    flags.taken.add(name)


def _kind(default: Any) -> str:
    return (
        "switch" if isinstance(default, bool) else type(default).__name__ if default is not None else "value"
    )


def _escaped(text: str) -> str:
    """argparse would take a percent sign for a format."""
    return " ".join(text.split()).replace("%", "%%")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return value


def taken_apart(words: Iterable[str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The values of `--hp.NAME` and `--args.NAME` by name, and the words that are left."""
    found: dict[str, dict[str, str]] = {"hp": {}, "args": {}}
    rest: list[str] = []
    remaining = iter(words)
    for word in remaining:
        kind, dot, name = word.removeprefix("--").partition(".")
        if not (word.startswith("--") and dot and kind in found):
            rest.append(word)
            continue
        name, equals, value = name.partition("=")
        found[kind][name] = value if equals else next(remaining, "")
    return found, rest
