"""Building blocks of the roadmap's model, shared by its sections and its phases."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from staycourse.core.job import StopSpec
from staycourse.core.metric_names import resolve


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
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    return value


Finite = Annotated[float, AfterValidator(_finite)]


class Stop(Section):
    """What may end a trial before its `epochs`: no improvement of the metric for `patience` epochs."""

    patience: Count
    start: Annotated[int, Field(alias="from", ge=0)] = 0
    min_delta: Annotated[Finite, Field(ge=0)] = 0.0
    metric: str | None = None

    def with_metrics(self, reported: Iterable[str]) -> Stop:
        """The same rule, its metric by the name that the task reports."""
        known = resolve(self.metric, reported) if self.metric else None
        return self.model_copy(update={"metric": known}) if known else self

    def spec(self) -> StopSpec:
        """The rule as a job holds it."""
        return StopSpec(self.patience, self.start, self.min_delta, self.metric)


class Finish(Section):
    """The kept trials of a grid train on, from their checkpoints."""

    epochs: Count
    stop: Stop | None = None

    def with_metrics(self, reported: Iterable[str]) -> Finish:
        """The same, its rule's metric by the name that the task reports."""
        return self.model_copy(update={"stop": self.stop.with_metrics(reported)}) if self.stop else self
