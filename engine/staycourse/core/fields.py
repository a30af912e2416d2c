"""Building blocks of the roadmap's model, shared by its sections and its phases."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from staycourse.core.job import StopSpec
from staycourse.core.metric_names import resolve
from staycourse.core.trial import Curve


class Section(BaseModel):
    """A table of the roadmap: unknown keys and wrong types are errors, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([smhd])\s*$")


def seconds(text: Any) -> float:
    """`"30m"` as 1800.0; a bare number is refused, for its unit would be a guess."""
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('expected a duration such as "30s", "5m", "2h" or "1d"')
    value = float(match[1]) * _UNITS[match[2]]
    if value <= 0:
        raise ValueError("expected a duration longer than nothing")
    return value


Duration = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[smhd]\s*$"}),
]
_POWERS = {
    **{unit: 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))},
    **{unit: 1024**power for power, unit in enumerate(("KIB", "MIB", "GIB", "TIB"), start=1)},
}
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT]?[iI]?[bB])\s*$")


def byte_count(text: Any) -> int:
    """`"2 GB"` as 2000000000; a bare number is refused, for its unit would be a guess."""
    match = _SIZE.match(text) if isinstance(text, str) else None
    if match is None or match[2].upper() not in _POWERS:
        raise ValueError('expected a size such as "512 MB", "1 GiB" or "1.5 GB"')
    return int(float(match[1]) * _POWERS[match[2].upper()])


SIZE_SCHEMA = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[kKmMgGtT]?[iI]?[bB]\s*$"}
Size = Annotated[int, BeforeValidator(byte_count), WithJsonSchema(SIZE_SCHEMA)]
_STEPS = re.compile(r"^\s*([1-9]\d*)\s*steps?\s*$")


def step_count(text: Any) -> int:
    """`"500 steps"` as 500."""
    match = _STEPS.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('expected a number of parameter updates such as "500 steps"')
    return int(match[1])


Steps = Annotated[
    int,
    BeforeValidator(step_count),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[1-9]\d*\s*steps?\s*$"}),
]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    return value


Finite = Annotated[float, AfterValidator(_finite)]


class Stop(Section):
    """What may end a trial before its `epochs`: no improvement of the metric for `patience` epochs, of the
    mean of its last `smooth` values."""

    patience: Count | None
    smooth: Count = 1
    start: Annotated[int, Field(alias="from", ge=0)] = 0
    min_delta: Annotated[Finite, Field(ge=0)] = 0.0
    metric: str | None = None

    def with_metrics(self, reported: Iterable[str]) -> Self:
        """The same rule, its metric by the name that the task reports."""
        known = resolve(self.metric, reported) if self.metric else None
        return self.model_copy(update={"metric": known}) if known else self

    def spec(self, reference: Curve = ()) -> StopSpec:
        """The rules as a job holds them; `reference` is what the median rule compares with."""
        return StopSpec(self.patience, self.start, self.min_delta, self.metric, self.smooth)

    @property
    def free_epochs(self) -> int:
        """The last epoch before any of the rules can end a trial."""
        return max(self.start - 1, self.patience or 0)

    @property
    def words(self) -> tuple[str, ...]:
        """The rules as briefly as they can be told: `patience 15`, `from epoch 91`."""
        said = [f"patience {self.patience}"] if self.patience else []
        said += [f"mean of {self.smooth} values"] if self.smooth > 1 else []
        said += [f"from epoch {self.start}"] if self.start else []
        said += [f"better by more than {self.min_delta:g}"] if self.min_delta else []
        return (*said, f"on {self.metric}") if self.metric else tuple(said)


class PatienceStop(Stop):
    """Where a trial cannot be compared with others: its own curve alone may end it."""

    patience: Count


class Median(Section):
    """A trial that is worse than the median of the trials before it ends; the first `after` never do."""

    after: Annotated[int, Field(ge=2)] = 5
    start: Annotated[int, Field(alias="from", ge=1)] = 1


class Halved(Section):
    """At `first` epochs, and at each `factor` times as many, the best 1/`factor` go on."""

    factor: Annotated[int, Field(ge=2)] = 3
    first: Count


def _one_of(*names: str) -> ConfigDict:
    """The schema's way of saying that one of these keys is needed."""
    return ConfigDict(json_schema_extra={"anyOf": [{"required": [name]} for name in names]})


class SearchStop(Stop):
    """Where trials follow each other: patience, or the median of the trials before."""

    model_config = _one_of("patience", "median")

    patience: Count | None = None
    median: Median | None = None

    @model_validator(mode="after")
    def _is_said(self) -> Self:
        return _checked(self, ("patience", "median"))

    def spec(self, reference: Curve = ()) -> StopSpec:
        spec = super().spec()
        if self.median is None or not reference:
            return spec
        return replace(spec, median=reference, median_start=self.median.start)

    @property
    def free_epochs(self) -> int:
        known = [super().free_epochs] if self.patience else []
        return min([*known, self.median.start - 1] if self.median else known)

    @property
    def words(self) -> tuple[str, ...]:
        if self.median is None:
            return super().words
        late = f" from epoch {self.median.start}" if self.median.start > 1 else ""
        return (*super().words, f"median of {self.median.after} and more trials{late}")


class GridStop(SearchStop):
    """Where all set-ups are known beforehand: successive halving as well."""

    model_config = _one_of("patience", "median", "halving")

    halving: Halved | None = None

    @model_validator(mode="after")
    def _is_said(self) -> Self:
        return _checked(self, ("patience", "median", "halving"))

    @property
    def free_epochs(self) -> int:
        known = [super().free_epochs] if self.patience or self.median else []
        return min([*known, self.halving.first] if self.halving else known)

    @property
    def words(self) -> tuple[str, ...]:
        if self.halving is None:
            return super().words
        return (*super().words, f"halving: 1/{self.halving.factor} go on from epoch {self.halving.first}")


_Stop = TypeVar("_Stop", bound=Stop)


def _checked(stop: _Stop, rules: tuple[str, ...]) -> _Stop:
    """Raises ValueError where no rule is said, or something that belongs to a rule that is not."""
    said = [rule for rule in rules if getattr(stop, rule) is not None]
    if not said:
        raise ValueError(f"expected at least one of {', '.join(rules)}")
    if stop.patience is None:
        for name, key in (
            ("smooth", "smooth"),
            ("start", "from"),
            ("min_delta", "min_delta"),
            ("metric", "metric"),
        ):
            if name in stop.model_fields_set:
                raise ValueError(f"'{key}' belongs to patience, which is not there")
    if "median" in said and stop.metric is not None:
        raise ValueError("median compares by the objective's metric, and 'metric' names another")
    if {"median", "halving"} <= set(said):
        raise ValueError("median and halving both compare trials: expected one of them")
    return stop


class Finish(Section):
    """The kept trials of a grid train on, from their checkpoints."""

    epochs: Count
    stop: PatienceStop | None = None

    def with_metrics(self, reported: Iterable[str]) -> Finish:
        """The same, its rule's metric by the name that the task reports."""
        return self.model_copy(update={"stop": self.stop.with_metrics(reported)}) if self.stop else self
