"""JSON Schema of the roadmap, made from the models that parse it."""

from __future__ import annotations

from typing import Any

from staycourse.core import phases
from staycourse.core.schedule_format import TORCH_NAMES
from staycourse.core.sections import SECTIONS, From

_VALUE = {"type": ["number", "string", "boolean"]}
_WHEN = {"type": "object", "additionalProperties": {"anyOf": [_VALUE, {"type": "array", "items": _VALUE}]}}
_BOUNDS = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_BY = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": {"type": "object", "minProperties": 1, "additionalProperties": _BOUNDS},
}
_STEPS = {
    "type": "object",
    "propertyNames": {"pattern": "^[1-9][0-9]*$"},
    "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
}
_WARMUP = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _STEPS]}
_SETTING = {"anyOf": [_STEPS, _VALUE, {"type": "array", "items": _VALUE}]}
# Steps, or a scheduler of torch's by name, whose settings stand beside it.
_SCHEDULES: tuple[dict[str, Any], ...] = (
    {"type": "object", "properties": {"warmup": _WARMUP}, "additionalProperties": _STEPS},
    {
        "type": "object",
        "properties": {"torch": {"enum": list(TORCH_NAMES)}, "warmup": _WARMUP, "lr": False},
        "required": ["torch"],
        "additionalProperties": _SETTING,
    },
)


def roadmap_schema() -> dict[str, Any]:
    """The schema as JSON values (draft 2020-12)."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {
        "name": {"type": "string", "pattern": "^[a-z0-9_-]+$"},
        "seed": {"type": "integer"},
        "space": {"type": "object", "minProperties": 1, "additionalProperties": _hyperparameter()},
        "schedules": {"type": "object", "additionalProperties": {"anyOf": list(_SCHEDULES)}},
    }
    for key, model in SECTIONS.items():
        properties[key] = _model(model, definitions)
    properties["from"] = _from(definitions)
    kinds = [_model(kind, definitions) for kind in phases.kinds().values()]
    properties["phase"] = {"type": "array", "minItems": 1, "items": {"oneOf": kinds}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "staycourse roadmap",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "task", "phase"],
        "anyOf": [{"required": ["space"]}, {"required": ["from"]}],
        "properties": properties,
        "$defs": definitions,
    }


def _model(model: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = model.model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(schema.pop("$defs", {}))
    return schema


def _from(definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _model(From, definitions)
    schema["properties"]["take"] |= {"uniqueItems": True}
    return schema


def _hyperparameter() -> dict[str, Any]:
    def form(**properties: Any) -> dict[str, Any]:
        required = [key for key in properties if key not in ("integer", "when", "by")]
        table = {"type": "object", "additionalProperties": False, "required": required}
        return table | {"properties": properties | {"when": _WHEN}}

    integer = {"type": "boolean"}
    choice = {"type": "array", "items": _VALUE, "minItems": 1, "uniqueItems": True}
    return {
        "anyOf": [
            _VALUE,
            form(log=_BOUNDS, integer=integer, by=_BY),
            form(range=_BOUNDS, integer=integer, by=_BY),
            form(choice=choice),
        ]
    }
