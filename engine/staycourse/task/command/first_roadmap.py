"""A roadmap to start from, made from what a script declares; its author is to read and change it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from staycourse.core.text import one_line
from staycourse.task.command.guesses import Proposed, meanings, proposed, text_of
from staycourse.task.command.script_arguments import Argument

_CAN = {
    "resume": ("{checkpoint}", "go on from what it has saved"),
    "data": ("{data}", "take a share of its data"),
    "all": ("", "train without holding data back"),
}
_HELP = 80


def first_roadmap(
    script: str, name: str, arguments: Sequence[Argument], source: str, python: str | None = None
) -> str:
    """The text of a roadmap for `script`, a path relative to the roadmap; `source` says whence the arguments
    are known, `python` is another interpreter than the one that runs staycourse."""
    told = meanings(arguments)
    space = proposed(argument for argument in arguments if argument not in told.values())
    lines = [
        f"# A first roadmap for {one_line(script)}, made from its arguments ({source}).",
        "# Ranges and lengths are guesses: read it through. Then: staycourse check, rehearse, run.",
        "",
        f"name = {json.dumps(name)}",
        "seed = 1",
        "",
        *_task(script, told, space, python),
        *_flags(told, space),
        *_metrics(),
        *_space(space),
        *_phases(told, space),
    ]
    return "\n".join(lines) + "\n"


def roadmap_name(script: str) -> str:
    """A name made of what a name may be made of."""
    stem = script.rsplit("/", 1)[-1].removesuffix(".py").lower()
    return re.sub(r"[^a-z0-9_-]+", "-", stem).strip("-") or "script"


def _task(
    script: str, told: Mapping[str, Argument], space: Sequence[Proposed], python: str | None
) -> Iterator[str]:
    said = [
        (told[meaning], meaning) for meaning in ("epochs", "seed", "checkpoint", "device") if meaning in told
    ]
    said += [(each.argument, each.key) for each in space if each.searched and not each.argument.is_switch]
    words = [f"{_flag(argument)} {{{name}}}".strip() for argument, name in said]
    yield "[task]"
    yield f"command = {json.dumps(' '.join(['python', shlex.quote(script), *words]))}"
    if "epochs" not in told:
        yield "# The script is not told how long to train: it needs a flag with {epochs} or {stop_epoch}."
    if python is None:
        yield '# python = "~/envs/project/bin/python"   # if another one than that which runs staycourse'
    else:
        yield f"python = {json.dumps(python)}"
    yield '# links = ["data"]   # what the script reads beside itself'
    place = 'weights = "{checkpoint}"' if "checkpoint" in told else '# weights = "model.pt"'
    yield f"{place}   # what it leaves"
    yield ""


def _flags(told: Mapping[str, Argument], space: Sequence[Proposed]) -> Iterator[str]:
    yield "[task.flags]"
    for meaning, (placeholder, what) in _CAN.items():
        if meaning in told:
            yield f"{meaning} = {json.dumps(f'{_flag(told[meaning])} {placeholder}'.strip())}"
        else:
            yield f'# {meaning} = "--… {placeholder}"   # if it can {what}'
    for each in space:
        if each.argument.action == "store_true":
            yield f'# {each.key} = {{ true = "{each.argument.flag}" }}'
    yield ""


def _metrics() -> Iterator[str]:
    yield "[task.metrics]"
    yield "# Regular expressions with one group each, for the lines that the script prints. Or:"
    yield '# csv = { file = "{trial_dir}/**/metrics.csv", epoch = "epoch", val_loss = "val_loss" }'
    yield '# jsonl = { epoch = "epoch", val_loss = "eval_loss" }   # JSON, or as Hugging Face prints it'
    yield r"text = { epoch = '(?i)epoch\D{0,3}(\d+)', val_loss = '(?i)val\w*[ _]loss\W+(\S+)' }"
    yield from ("", "[objective]", 'metric = "val_loss"', 'goal = "min"', "")


def _flag(argument: Argument) -> str:
    """Nothing for what is told by its place."""
    return argument.flag if argument.flag.startswith("-") else ""


def _space(space: Sequence[Proposed]) -> Iterator[str]:
    yield "[space]"
    for each in space:
        known = f"default {text_of(each.argument.default)}" if each.argument.has_default else "no default"
        said = one_line(": ".join(filter(None, (known, each.argument.help))), _HELP)
        if each.searched:
            yield f"{each.key} = {each.range}   # {said}"
        else:
            yield f"# {each.key} = {each.range}   # {said}; with a flag above"
    if not any(each.searched for each in space):
        yield "# Nothing was recognised: name what is to be searched, such as lr = { log = [1e-5, 1e-1] }."
    yield ""


def _phases(told: Mapping[str, Argument], space: Sequence[Proposed]) -> Iterator[str]:
    share = "data = 0.5\n" if "data" in told else ""
    seeds = (
        "3   # the mean over three trainings counts" if "seed" in told else "1   # the script takes no seed"
    )
    finish = "finish = { epochs = 40, stop = { patience = 8 } }\n" if "resume" in told else ""
    split = "" if "all" in told else '\ndata = "split"   # a deviation: data is held back here as well'
    names = [each.key for each in space if each.searched and "[" in each.range]
    point = next((name for name in names if "lr" in name or "rate" in name), next(iter(names), "lr"))
    yield f"""\
# 1. Look around: set-ups spread over the whole space.
[[phase]]
kind = "probe"
trials = 8
epochs = 20
stop = {{ patience = 5 }}

# 2. Search: each set-up is chosen by what the earlier ones have shown.
[[phase]]
kind = "narrow"
trials = 20
{share}epochs = 10

# 3. Compare: three values from end to end of the narrowed range, the rest as in the best set-up so far.
[[phase]]
kind = "grid"
points = {{ {point} = 3 }}
{share}epochs = 20
stop = {{ patience = 4 }}
keep = 2
{finish}
# 4. Make sure: the best ones from the start.
[[phase]]
kind = "confirm"
seeds = {seeds}
epochs = 40
stop = {{ patience = 8 }}

# 5. The result, for as many epochs as were best.
[[phase]]
kind = "final"{split}"""
