"""The roadmap's tables other than its space and phases."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from staycourse.core.fields import (
    SIZE_SCHEMA,
    Count,
    Duration,
    Finite,
    Section,
    Size,
    Steps,
    byte_count,
)

_Argument = bool | int | float | str | list[bool | int | float | str]


class Metrics(Section):
    """Where a script's results are read: regular expressions for its output, JSON lines, files."""

    text: dict[str, str] | None = None
    jsonl: Literal[True] | dict[str, str] | None = None
    csv: dict[str, str] | None = None
    tensorboard: Literal[True] | dict[str, str] | None = None


class Task(Section):
    """What is trained: a Python file with functions found by name, and its own arguments; or a command, an
    existing script that is driven through its own flags."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["file"]}, {"required": ["command"]}]}
    )

    file: Annotated[str, Field(min_length=1)] | None = None
    args: dict[str, _Argument] = {}
    command: Annotated[str, Field(min_length=1)] | None = None
    python: Annotated[str, Field(min_length=1)] | None = None
    include: list[str] = []
    links: list[str] = []
    env: dict[str, str] = {}
    weights: Annotated[str, Field(min_length=1)] | None = None
    flags: dict[str, str | dict[str, str]] = {}
    metrics: Metrics | None = None

    @property
    def words(self) -> str:
        """The file or the command, as the roadmap says it."""
        return self.command or self.file or ""


class From(Section):
    """The earlier run that a campaign builds on, and what of it is taken up."""

    run: Annotated[str, Field(min_length=1)]
    take: Annotated[list[Literal["handoff"]], Field(min_length=1)] = ["handoff"]


class Objective(Section):
    """What set-ups are ranked by."""

    metric: Annotated[str, Field(min_length=1)] = "val_loss"
    goal: Literal["min", "max"] = "min"


def _loader_workers(value: int | str) -> int | str:
    if isinstance(value, int):
        if value < 0:
            raise ValueError("expected 0 or more")
        return value
    count, slash, unit = value.partition("/")
    if value == "auto" or (slash and unit == "gpu" and count.isdigit()):
        return value
    raise ValueError('expected "auto", a number such as 4, or a number for each GPU such as "4/gpu"')


class Data(Section):
    """Which samples are held out, how they are read, and what their fingerprint covers."""

    validation: Annotated[float, Field(gt=0, lt=1)] = 0.2
    files: list[str] = []
    workers: Annotated[int | str, AfterValidator(_loader_workers)] = "auto"
    pin_memory: bool | Literal["auto"] = "auto"
    trusted: bool = False
    buffer: Size = 1 << 30
    exact: bool = True


def _size_or_none(value: Any) -> int:
    if value is False:
        return 0
    try:
        return byte_count(value)
    except ValueError as error:
        raise ValueError(f"{error}, or false") from None


class Training(Section):
    """How a trial trains, beside its set-up."""

    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    compile: bool = False
    grad_clip: Annotated[Finite, Field(gt=0)] | None = None
    ema: Annotated[Finite, Field(gt=0, lt=1)] | None = None
    accumulate: Count = 1
    teacher_cache: Annotated[
        int, BeforeValidator(_size_or_none), WithJsonSchema({"anyOf": [SIZE_SCHEMA, {"const": False}]})
    ] = 4 << 30
    epoch: Steps | None = None
    validate_every: Count = 1


class Limits(Section):
    """Slots, limits and retries."""

    slots: Count | Literal["auto"] = "auto"
    gpus_per_trial: Count = 1
    trial_hours: Annotated[Finite, Field(gt=0)] | None = None
    hang_after: Duration = 1800.0
    retries: Annotated[int, Field(ge=0)] = 2
    checkpoint_every: Duration = 300.0
    threads: Count = 1
    keep_checkpoints: Literal["needed", "all"] = "needed"
    on_oom: Literal["infeasible", "accumulate"] = "infeasible"


SECTIONS: dict[str, Any] = {
    "task": Task,
    "objective": Objective,
    "data": Data,
    "training": Training,
    "limits": Limits,
}
