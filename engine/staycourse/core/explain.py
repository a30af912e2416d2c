"""pydantic's errors as problems that name what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from staycourse.core.problems import KeyPath, Problem, nearest

_M = TypeVar("_M", bound=BaseModel)

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "text in quotes",
    "bool": "true or false",
    "list": "a list",
    "dict": "a table",
    "model": "a table",
    "tuple": "a list",
}


def validate(model: type[_M], value: Any, path: KeyPath, problems: list[Problem]) -> _M | None:
    """The model made from `value`, or None with every problem appended."""
    if not isinstance(value, Mapping):
        problems.append(Problem(path, f"expected a table, found {_found(value)}"))
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for location, group in _by_location(error.errors(include_url=False), value).items():
            problems.append(_explain(group, location, model, path))
        return None


def _by_location(errors: Sequence[ErrorDetails], value: Any) -> dict[KeyPath, list[ErrorDetails]]:
    """The errors of each place. A union reports one for each of its members: those of the member that
    got furthest into the value count."""
    groups: dict[KeyPath, list[ErrorDetails]] = {}
    for details in errors:
        groups.setdefault(_location(details, value), []).append(details)
    return {
        place: group
        for place, group in groups.items()
        if not any(len(other) > len(place) and other[: len(place)] == place for other in groups)
    }


def _location(details: ErrorDetails, value: Any) -> KeyPath:
    """pydantic's location without the tags of a union's members: only what leads through the value."""
    location: KeyPath = ()
    for part in details["loc"]:
        is_key = isinstance(value, Mapping) and part in value
        if is_key or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            value = value[part]
            location += (part,)
    return location + details["loc"][-1:] if details["type"] == "missing" else location


def _explain(
    group: Sequence[ErrorDetails], location: KeyPath, model: type[BaseModel], path: KeyPath
) -> Problem:
    details, where = group[0], path + location
    kind, found = details["type"], _found(details["input"])
    if kind == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        return Problem(where, f"unknown key '{location[-1]}'", nearest(str(location[-1]), known))
    if kind == "missing":
        return Problem(where, "missing", f"'{location[-1]}' is required")
    if kind == "value_error":
        said = str(details["ctx"]["error"])
        return Problem(where, said if isinstance(details["input"], Mapping) else f"{said}, found {found}")
    return Problem(where, f"expected {_expected(group)}, found {found}")


def _keys(model: Any) -> list[str]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _inner(model: Any, key: str | int) -> Any:
    """The model of a field, None if the field holds no table of ours."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return model if isinstance(key, int) else None
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return _model_in(field.annotation)
    return None


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := _model_in(argument):
            return found
    return None


def _known_keys(model: Any, location: KeyPath) -> list[str]:
    for part in location:
        model = _inner(model, part)
    return _keys(model)


def _expected(group: Sequence[ErrorDetails]) -> str:
    """What would have been right; where several kinds of value would, all of them."""
    said = list(dict.fromkeys(map(_expected_by_one, group)))
    if {_EXPECTED["bool"], _EXPECTED["int"], _EXPECTED["string"]} <= set(said):
        lists = " or a list of them" if _EXPECTED["list"] in said else ""
        return f"a number, text, true or false{lists}"
    return " or ".join(said)


def _expected_by_one(details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    bounds = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    if kind == "literal_error":
        return str(context["expected"]).replace("'", '"')
    if kind in bounds:
        return f"{words[bounds[kind]]} {context[bounds[kind]]:g}"
    if kind in ("string_too_short", "too_short"):
        least = context["min_length"]
        return "something, not an empty value" if least == 1 else f"at least {least} of them"
    return _EXPECTED.get(kind.split("_")[0], details["msg"])


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    return str(value)
