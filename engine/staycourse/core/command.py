"""A script's command: words with placeholders, filled for one trial. No shell has a part in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from staycourse.core.space import Value

# What a command can be told of its trial, beside the hyperparameters.
TOLD = ("epochs", "stop_epoch", "seed", "data", "trial_dir", "checkpoint", "device", "gpus")
RESUME, DATA, ALL = "resume", "data", "all"
CONDITIONAL = (RESUME, DATA, ALL)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MOST_SEED = 2**31

Flag = str | Mapping[str, str]


@dataclass(frozen=True)
class CommandSpec:
    """A command task as a job holds it.

    `words` are those of the command, `folder` is where in the copy of the code it runs, `python` the
    interpreter that stands for the word `python`. `flags` are appended where they apply: "resume", "data" and
    "all" by the trial, those of a hyperparameter by its value. `metrics` says where its results are read,
    `weights` what it leaves.
    """

    words: tuple[str, ...]
    folder: str = ""
    python: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    weights: str | None = None
    flags: Mapping[str, Flag] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> CommandSpec:
        """What `dataclasses.asdict` described."""
        return cls(**{**body, "words": tuple(body["words"])})

    @property
    def can_resume(self) -> bool:
        """Whether the script goes on from what it has left; if not, it starts over."""
        return RESUME in self.flags

    def is_told(self, name: str) -> bool:
        """Whether the command itself has the placeholder."""
        return any(name in placeholders(word) for word in self.words)


@dataclass(frozen=True)
class Told:
    """What of a trial reaches its script. `epochs` is the schedule's horizon, `stop_epoch` where the trial
    ends, `share` the part of the data, `split` whether validation is held out."""

    setup: Mapping[str, Value]
    epochs: int
    stop_epoch: int
    seed: int
    share: float
    split: bool
    trial_dir: str
    device: str
    resumes: bool = False

    def values(self) -> dict[str, str]:
        """What each placeholder stands for."""
        return {name: text_of(value) for name, value in self.setup.items()} | {
            "epochs": str(self.epochs),
            "stop_epoch": str(self.stop_epoch),
            "seed": str(self.seed),
            "data": text_of(self.share),
            "trial_dir": self.trial_dir,
            "checkpoint": f"{self.trial_dir}/checkpoint",
            "device": self.device,
            "gpus": str(int(self.device.startswith("cuda"))),
        }


def script_seed(seed: int, repetition: int) -> int:
    """The seed that a script is given: the roadmap's, and the next ones for its repetitions; what any
    library takes, from 0 to 2**31 - 1."""
    return (seed + repetition) % _MOST_SEED


def arguments(spec: CommandSpec, told: Told) -> list[str]:
    """The program and its arguments for one trial."""
    values = told.values()
    return [fill(word, values) for template in _templates(spec, told) for word in template]


def _templates(spec: CommandSpec, told: Told) -> Iterator[tuple[str, ...]]:
    yield spec.words
    for name, value in told.setup.items():
        flag = spec.flags.get(name) if name not in CONDITIONAL else None
        if flag is not None:
            yield split(flag if isinstance(flag, str) else flag.get(text_of(value), ""))
    applies = {DATA: told.share < 1, ALL: not told.split, RESUME: told.resumes}
    for name in (DATA, ALL, RESUME):
        flag = spec.flags.get(name)
        if applies[name] and isinstance(flag, str):
            yield split(flag)


def split(text: str) -> tuple[str, ...]:
    """The words of a command, as a shell would split them. Raises ValueError for an open quote."""
    return tuple(shlex.split(text))


def placeholders(text: str) -> list[str]:
    """The names in braces, in their order. Braces around anything else are the text's own."""
    return _PLACEHOLDER.findall(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with each placeholder that has a value replaced by it; once, whatever the value holds."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def text_of(value: Value) -> str:
    """A value as a script reads it: `true`, `16`, `1e-05`; nothing of it is rounded."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
